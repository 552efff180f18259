// OpSDot, which glslc of 2023 has no GLSL for: the dot product of four signed bytes and four signed bytes. Needs GL_EXT_spirv_intrinsics.
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019], id = 4450)
int dot_bytes(int a, int b, spirv_literal int packedFormat);
