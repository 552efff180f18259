#include "include/activations.glsl"
void main()
{
    #include "experts/expert_matmul_begin.glsl"
    #include "include/multiply.glsl"
    #include "experts/expert_matmul_end.glsl"
}
