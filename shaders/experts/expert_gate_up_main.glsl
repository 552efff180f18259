#include "include/activations.glsl"
void main()
{
    #include "experts/expert_gate_up_begin.glsl"
    #include "include/multiply.glsl"
    #include "experts/expert_gate_up_end.glsl"
}
