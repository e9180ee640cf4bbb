// One half of a red-black sweep of successive over-relaxation, in place: the pixels of one colour of the checkerboard,
// whose neighbours all have the other one. Neighbours off the face or outside do not pull.
// One invocation: one pixel.
struct Uniforms {
  size: vec2<u32>,
  // 0: pixels with even x + y; 1: the others.
  colour: u32,
  relaxation: f32,
}

@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> equations: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> values: array<vec2<f32>>;

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let size = u.size;
  let column = 2u * id.x + ((id.y + u.colour) & 1u);
  if (column >= size.x || id.y >= size.y) { return; }
  let pixel = (id.z * size.y + id.y) * size.x + column;
  let own = equations[2u * pixel];
  if (own.w == 0.0) { return; }
  let goal = equations[2u * pixel + 1u].xy;
  // Beyond the border: the pixel itself, which weight 0 then takes out.
  let inside = vec4<bool>(column > 0u, column + 1u < size.x, id.y > 0u, id.y + 1u < size.y);
  let places = vec4<u32>(
    pixel - select(0u, 1u, inside.x),
    pixel + select(0u, 1u, inside.y),
    pixel - select(0u, size.x, inside.z),
    pixel + select(0u, size.x, inside.w));
  var pull = goal;
  var total = 0.0;
#for side in 0..4
  {
    let other = equations[2u * places[${side}]].w;
    let weight = select(0.0, 0.5 * (own.w + other), inside[${side}] && other > 0.0);
    pull += weight * values[places[${side}]];
    total += weight;
  }
#endfor
  let diagonal = own.xz + total;
  let solution = (diagonal.yx * pull - own.y * pull.yx) / (diagonal.x * diagonal.y - own.y * own.y);
  values[pixel] += u.relaxation * (solution - values[pixel]);
}
