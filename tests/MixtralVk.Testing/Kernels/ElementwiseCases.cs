using MixtralVk.Kernels;
using RmsNormReference = MixtralVk.Reference.RmsNorm;
using SwiGluReference = MixtralVk.Reference.ExpertGateUp;
using CombineReference = MixtralVk.Reference.CombineExperts;

namespace MixtralVk.Testing.Kernels;

/// <summary>Cases of the kernels that work value by value or row by row.</summary>
internal static class ElementwiseCases
{
    public static IEnumerable<KernelCase> All =>
    [
        RmsNorm(1, 1, 1), RmsNorm(1, 127, 1), RmsNorm(3, 129, 5), RmsNorm(2, 4096, 2),
        FiniteCheck(3, 17, 4, null), FiniteCheck(3, 200, 4, float.NaN), FiniteCheck(3, 300, 4, float.NegativeInfinity),
        SwiGlu(1, 1, 1, 1), SwiGlu(3, 65, 2, 4), SwiGlu(2, 172, 3, 2),
        GatherRows(1, 1, 1, 1, 1), GatherRows(3, 65, 5, 4, 65), GatherRows(2, 65, 3, 2, 70),
        CombineExperts(1, 1, 1, 1), CombineExperts(3, 65, 2, 4), CombineExperts(2, 172, 16, 2), CombineExperts(3, 65, 4, 4, isSplit: true),
    ];

    /// <summary>Values in the rows of the grid that the step does not use are poison, before and after.</summary>
    private static float[] WithPoison(float[] used, int total)
    {
        float[] values = Compare.Untouched(total);
        used.CopyTo(values, 0);
        return values;
    }

    public static KernelCase<RmsNorm> RmsNorm(int rows, int cols, int maxRows) => new($"rms_norm {rows}x{cols}", memory =>
    {
        const float epsilon = 1e-5f;
        float[] input = TestData.Floats(rows * cols, 1), weight = TestData.Floats(cols, 2);
        CaseBuffer output = memory.Output(maxRows * cols), status = memory.Status();
        var kernel = new RmsNorm(memory.Rows(rows), memory.Input(input), memory.Input(weight), output, status, (uint)cols,
            epsilon, 7, (uint)maxRows);
        return (kernel, () =>
        {
            Compare.Floats(WithPoison(RmsNormReference.Run(input, weight, epsilon), maxRows * cols), output.Read<float>(), 1e-5);
            Compare.Words([CaseMemory.NoSite], status.Read<uint>());
        });
    }, bytes: 8L * rows * cols, flops: 4L * rows * cols);

    public static KernelCase<FiniteCheck> FiniteCheck(int rows, int cols, int maxRows, float? bad) =>
        new($"finite_check {rows}x{cols} {bad}", memory =>
    {
        // What lies past the rows is never looked at.
        float[] input = WithPoison(TestData.Floats(rows * cols, 1), maxRows * cols);
        if (bad is { } value) input[rows * cols - 1] = value;
        CaseBuffer status = memory.Status();
        var kernel = new FiniteCheck(memory.Rows(rows), memory.Input(input), status, (uint)cols, 5, (uint)maxRows);
        return (kernel, () => Compare.Words([bad is null ? CaseMemory.NoSite : 5], status.Read<uint>()));
    }, bytes: 4L * rows * cols);

    public static KernelCase<SwiGlu> SwiGlu(int rows, int cols, int factor, int maxRows) => new($"swiglu {rows}x{factor}x{cols}", memory =>
    {
        int count = rows * factor * cols, total = maxRows * factor * cols;
        float[] gate = [.. TestData.Floats(count, 1).Select(v => v * 20)], up = TestData.Floats(count, 2);
        CaseBuffer output = memory.Output(total);
        var kernel = new SwiGlu(memory.Rows(rows), memory.Input(gate), memory.Input(up), output, (uint)cols, (uint)factor, (uint)maxRows);
        return (kernel, () => Compare.Floats(WithPoison([.. gate.Zip(up, SwiGluReference.SwiGlu)], total), output.Read<float>(), 1e-5));
    }, bytes: 12L * rows * factor * cols);

    public static KernelCase<GatherRows> GatherRows(int rows, int cols, int inputRows, int maxRows, int stride) =>
        new($"gather_rows {rows}x{cols} of {inputRows}x{stride}", memory =>
    {
        float[] input = TestData.Floats(inputRows * stride, 1);
        int[] ids = TestData.Ints(rows, inputRows, 2);
        CaseBuffer output = memory.Output(maxRows * cols);
        var kernel = new GatherRows(memory.Rows(rows), memory.Input(ids), memory.Input(input), output, (uint)cols,
            (uint)stride, (uint)maxRows);
        float[] expected = [.. ids.SelectMany(id => input.AsSpan(id * stride, cols).ToArray())];
        return (kernel, () => Compare.Floats(WithPoison(expected, maxRows * cols), output.Read<float>(), 1e-30));
    }, bytes: 8L * rows * cols);

    /// <summary>
    /// With <paramref name="isSplit"/> the outputs of every second expert are the host's, and the device's are not numbers.
    /// </summary>
    public static KernelCase<CombineExperts> CombineExperts(int rows, int dim, int topK, int maxRows, bool isSplit = false) =>
        new($"combine_experts {rows}x{dim} top-{topK}{(isSplit ? " split" : "")}", memory =>
    {
        const int experts = 5, slots = 3;
        float[] outputs = TestData.Floats(rows * topK * dim, 1), weights = TestData.Floats(rows * topK, 2),
            residual = TestData.Floats(rows * dim, 3);
        int[] ids = TestData.Ints(rows * topK, experts, 4), slotOf = [2, -1, 0, slots, 1];
        float[] onDevice = [.. outputs], onHost = [.. outputs];
        for (int i = 0; i < outputs.Length; i++) (ids[i / dim] % 2 == 0 || !isSplit ? onHost : onDevice)[i] = float.NaN;
        var poisoned = new uint[maxRows * dim];
        Array.Fill(poisoned, CaseBuffer.Poison);
        System.Runtime.InteropServices.MemoryMarshal.Cast<float, uint>(residual).CopyTo(poisoned);
        CaseBuffer inOut = memory.InOut(poisoned);
        var kernel = new CombineExperts(memory.Rows(rows), memory.Input(onDevice), memory.Input(onHost, "host output"),
            memory.Input(ids, "ids"), memory.Input(slotOf, "slots"), memory.Input(weights),
            inOut, (uint)dim, (uint)topK, isSplit, slots, (uint)maxRows);
        return (kernel, () =>
            Compare.Floats(WithPoison(CombineReference.Run(residual, outputs, weights, topK), maxRows * dim), inOut.Read<float>(), 1e-5));
    }, bytes: 4L * rows * dim * (topK + 2), flops: 2L * rows * dim * topK);
}
