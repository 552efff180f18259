// Sum and maximum over the workgroup in a fixed tree, the same for any subgroup size. Lanes is a power of two.
shared float reduction[Lanes];

float workgroup_sum(float v)
{
    const uint lane = gl_LocalInvocationID.x;
    reduction[lane] = v;
    barrier();
    for (uint width = Lanes / 2u; width > 0u; width /= 2u)
    {
        if (lane < width) reduction[lane] += reduction[lane + width];
        barrier();
    }
    const float sum = reduction[0];
    barrier();
    return sum;
}

float workgroup_max(float v)
{
    const uint lane = gl_LocalInvocationID.x;
    reduction[lane] = v;
    barrier();
    for (uint width = Lanes / 2u; width > 0u; width /= 2u)
    {
        if (lane < width) reduction[lane] = max(reduction[lane], reduction[lane + width]);
        barrier();
    }
    const float most = reduction[0];
    barrier();
    return most;
}
