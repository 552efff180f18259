using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Testing.Kernels;

namespace MixtralVk.Bench;

/// <summary>Every kernel at the shapes of a model.</summary>
internal static class BenchCases
{
    private const int MaxPrefillContext = 1024; // the reference takes a second for 128 rows there

    private static readonly int[] Tokens = [1, 4, 16, 128], Contexts = [128, 1024, 4096, 16384];

    /// <summary>The cases of a model; those of one kernel and shape stand together.</summary>
    public static IReadOnlyList<BenchCase> Of(ModelShape model, DeviceDescription device) =>
        [.. new ProductCases(device).Of(model), .. Attention(model.Config, device), .. Small(model), .. Embeddings(model)];

    private static IEnumerable<BenchCase> Attention(ModelConfig c, DeviceDescription device)
    {
        AttentionForm shipped = AttentionPlan.FormOn(device, c.HeadDim);
        AttentionForm[] forms = AttentionPlan.CanBeNarrow(device, c.HeadDim)
            ? [AttentionForm.Wide, AttentionForm.Narrow] : [AttentionForm.Wide];
        foreach (KvFormat format in Enum.GetValues<KvFormat>())
        {
            string[] pools = ["Keys", "Values"];
            foreach (int context in Contexts.Where(n => n <= c.ContextLength))
            {
                var decode = new AttentionShape(format, c.HeadCount, c.KvHeadCount, c.HeadDim, 1, [context - 1]);
                (long bytes, long flops) = Work(c, format, [context]);
                foreach (AttentionForm form in forms)
                    yield return new BenchCase(new AttentionSplit { KvFormat = format }.Shader, $"context {context}", $"{form}",
                        Note(form), () => AttentionCases.Split(decode with { Form = form }), pools)
                    {
                        Bytes = bytes, Flops = flops,
                    };
                if (format != KvFormat.F16) continue;
                long splits = AttentionSplit.SplitsOf((uint)context);
                yield return new BenchCase(default(AttentionMerge).Shader, $"context {context}", "", "", () => AttentionCases.Merge(decode))
                {
                    Bytes = 4L * c.QueryDim + 4L * c.HeadCount * splits * (c.HeadDim + 2), Flops = 2L * c.QueryDim * splits,
                };
            }
            foreach (int rows in Tokens)
                foreach (int context in Contexts.Where(n => n <= Math.Min(c.ContextLength, MaxPrefillContext) && n >= rows))
                {
                    var chunk = new AttentionShape(format, c.HeadCount, c.KvHeadCount, c.HeadDim, 1,
                        [.. Enumerable.Range(context - rows, rows)]);
                    (long bytes, long flops) = Work(c, format, [.. chunk.Positions.Select(p => p + 1)]);
                    foreach (AttentionForm form in forms)
                        yield return new BenchCase(new AttentionPrefill { KvFormat = format }.Shader, $"{rows} rows, context {context}",
                            $"{form}", Note(form), () => AttentionCases.Prefill(chunk with { Form = form }), pools)
                        {
                            Bytes = bytes, Flops = flops,
                        };
                }
            foreach (int rows in Tokens)
            {
                var written = new AttentionShape(format, c.HeadCount, c.KvHeadCount, c.HeadDim, 1, [.. Enumerable.Range(0, rows)]);
                long queries = (long)rows * c.QueryDim, keys = (long)rows * c.KvDim;
                yield return new BenchCase(new RopeKvWrite { KvFormat = format }.Shader, $"{rows} rows", "", "",
                    () => AttentionCases.RopeKvWrite(written, c.RopeDim))
                {
                    Bytes = 8 * queries + 8 * keys + rows * TokenBytes(c, format), Flops = 3 * (queries + keys),
                };
            }
        }

        string Note(AttentionForm form) => form == shipped ? "shipped" : "";
    }

    /// <summary>
    /// Keys and values once, queries and outputs; a multiplication and an addition for each element of a key and of a value.
    /// </summary>
    private static (long Bytes, long Flops) Work(ModelConfig c, KvFormat format, int[] keys) =>
        (keys.Max() * TokenBytes(c, format) + 8L * keys.Length * c.QueryDim, 4L * c.QueryDim * keys.Sum(k => (long)k));

    private static long TokenBytes(ModelConfig c, KvFormat format) => 2 * format.PoolBytes(c) / KvPages.PageTokens;

    private static IEnumerable<BenchCase> Small(ModelShape model)
    {
        ModelConfig c = model.Config;
        int topK = Math.Max(1, c.ExpertsPerToken), experts = Math.Max(1, c.ExpertCount);
        foreach (int rows in Tokens)
        {
            yield return new BenchCase(default(RmsNorm).Shader, $"{rows}x{c.Dim}", "", "",
                () => ElementwiseCases.RmsNorm(rows, c.Dim, rows));
            if (c.IsSparse)
            {
                yield return new BenchCase(default(RouterTopK).Shader, $"{experts}x{c.Dim}x{rows}", "", "",
                    () => ExpertCases.Router(rows, c.Dim, experts, topK), "Router");
                yield return new BenchCase(default(GroupTokens).Shader, $"{rows} tokens", "", "",
                    () => ExpertCases.Group(rows, topK, experts)) { Bytes = 8L * rows * topK };
            }
            yield return new BenchCase(default(CombineExperts).Shader, $"{rows}x{c.Dim}", "", "",
                () => ElementwiseCases.CombineExperts(rows, c.Dim, topK, rows));
            yield return new BenchCase(default(SwiGlu).Shader, $"{rows * topK}x{c.HiddenDim}", "", "",
                () => ElementwiseCases.SwiGlu(rows, c.HiddenDim, topK, rows));
            yield return new BenchCase(default(GatherRows).Shader, $"{rows}x{c.Dim}", "", "",
                () => ElementwiseCases.GatherRows(rows, c.Dim, rows, rows, c.Dim));
            if (rows <= 16)
                yield return new BenchCase(default(FiniteCheck).Shader, $"{rows}x{c.VocabSize}", "", "",
                    () => ElementwiseCases.FiniteCheck(rows, c.VocabSize, rows, null));
        }
    }

    private static IEnumerable<BenchCase> Embeddings(ModelShape model)
    {
        const int rows = 2048; // of the vocabulary: only the tokens' rows are read
        foreach (Matrix matrix in model.Embeddings)
            foreach (int tokens in Tokens)
                yield return new BenchCase(new EmbeddingRows { Format = matrix.Format }.Shader, $"{tokens} of {rows}x{matrix.Cols}", "", "",
                    () => MatMulCases.Embedding(matrix.Format, rows, matrix.Cols, tokens, tokens, 0, rows / 64),
                    "Weights") { Bytes = 4L * tokens * matrix.Cols };
    }
}
