#include "include/activations.glsl"
void main()
{
    #include "matmul/matmul_begin.glsl"
    #include "include/multiply.glsl"
    #include "matmul/matmul_end.glsl"
}
