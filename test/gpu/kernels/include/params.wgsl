#param GROUP   // threads of a workgroup

struct Params {
  count: u32,
  factor: f32,
}
