// Invocations that take a whole vec4 of a tensor (PARTS = 1), or half of one where registers do not hold what they need of it
// (PARTS = 2; `part` is 0 or 1). Wants include/layout.wgsl.
#param PARTS

#if PARTS == 2
alias Lanes = vec2<f32>;
#if F16
alias StoredLanes = vec2<f16>;
#else
alias StoredLanes = vec2<f32>;
#endif
fn lanesOf(value: vec4<f32>, part: u32) -> Lanes { return select(value.xy, value.zw, part == 1u); }
fn filled(lanes: Lanes) -> vec4<f32> { return vec4<f32>(lanes, lanes); }
fn cut(value: vec4<f32>) -> Lanes { return value.xy; }
#else
alias Lanes = vec4<f32>;
alias StoredLanes = Stored4;
fn lanesOf(value: vec4<f32>, part: u32) -> Lanes { return value; }
fn filled(lanes: Lanes) -> vec4<f32> { return lanes; }
fn cut(value: vec4<f32>) -> Lanes { return value; }
#endif
