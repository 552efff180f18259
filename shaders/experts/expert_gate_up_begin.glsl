    // Part of main(): what this workgroup computes.
    #include "include/expert_pass.glsl"
    #include "include/lane_rows.glsl"
