// Element type and addressing of NC4HW4 tensors: [n][plane][y][x] of vec4, four channels a plane.
#param F16

#if F16
enable f16;
alias Stored4 = vec4<f16>;
#else
alias Stored4 = vec4<f32>;
#endif

// Placement of a tensor inside its buffer, in vec4 elements. `batchStride` is not planes * height * width
// where the tensor is a slice of a concatenation.
struct View {
  offset: u32,
  batchStride: u32,
  width: u32,
  height: u32,
  planes: u32,
  channels: u32,
  batches: u32,
  reserved: u32,
}

fn planeSize(v: View) -> u32 {
  return v.width * v.height;
}

fn elementIndex(v: View, n: u32, plane: u32, y: u32, x: u32) -> u32 {
  return v.offset + n * v.batchStride + (plane * v.height + y) * v.width + x;
}
