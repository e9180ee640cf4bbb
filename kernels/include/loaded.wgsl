// Element type of the inputs that an op reads by a type of their own (`loads` of its definition): f32 flow beside f16 features.
#param LOADED_F16

#if LOADED_F16
enable f16;
alias Loaded4 = vec4<f16>;
#else
alias Loaded4 = vec4<f32>;
#endif
