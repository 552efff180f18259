using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Quantization;

namespace VendorReport;

/// <summary>A matrix product in one variant.</summary>
internal readonly record struct Product(ProductShape Shape, ProductVariant Variant)
{
    /// <summary>Its main loop: a pass is a unit of columns, an inner one a step of it.</summary>
    public LoopShape Loop =>
        new(UnitConstants.Of(Shape.Format).Cols * (int)(Variant.RowsPerLane * Shape.Matrices), UnitConstants.Of(Shape.Format).Steps,
        StepsHoldAllLoads: Shape.Format is WeightFormat.F16 or WeightFormat.BF16 or WeightFormat.F32);

    /// <summary>Invocations of a workgroup.</summary>
    public int Invocations => (int)(Variant.Lanes * Variant.ColumnSplits);

    public override string ToString() => $"{Shape.Kind} {Shape.Format} x{Shape.Cols} {Variant}";
}

/// <summary>The loop over the weights of a kernel.</summary>
/// <param name="WeightsPerPass">Weights that a lane takes in a pass.</param>
/// <param name="InnerTrips">Passes of a loop inside it, where the compiler keeps one.</param>
/// <param name="StepsHoldAllLoads">The loop inside holds all loads, too.</param>
internal readonly record struct LoopShape(int WeightsPerPass, int InnerTrips, bool StepsHoldAllLoads);

/// <summary>A kernel to compile: a pipeline of the engine at Mixtral's sizes.</summary>
/// <param name="Name">What and in which variant.</param>
/// <param name="Kernel">The kernel; its buffers are empty, as compiling needs none.</param>
/// <param name="Product">Which matrix product it is.</param>
/// <param name="Loop">The loop whose instructions are counted.</param>
internal sealed record Variant(string Name, IKernel Kernel, Product? Product = null, LoopShape? Loop = null)
{
    /// <summary>Formats whose every variant is compiled and whose instructions are counted.</summary>
    public static IReadOnlyList<WeightFormat> Formats { get; } =
        [WeightFormat.Q4_0, WeightFormat.Q4_K, WeightFormat.Q6_K, WeightFormat.Q8_0, WeightFormat.F16];

    /// <summary>Name of the router's kernel.</summary>
    public const string Router = "experts/router_top_k";

    /// <summary>The variant of every product of the model on a device that nobody has tuned.</summary>
    public static IReadOnlyList<ShippedProduct> ShippedProducts(DeviceDescription device)
    {
        ProductChoices choices = ProductChoices.Shipped(device);
        return [.. from format in Formats
                   from matrix in MixtralShape.Matrices
                   from tokens in TokenClasses.All
                   select new ShippedProduct(matrix.Name, format, tokens,
                   new Product(matrix.In(format), choices.For(matrix.In(format), tokens)).ToString())];
    }

    /// <summary>What the model runs on a device before anybody tunes it: each pipeline once.</summary>
    public static IReadOnlyList<Variant> Shipped(DeviceDescription device)
    {
        ProductChoices choices = ProductChoices.Shipped(device);
        IEnumerable<Product> products =
            from format in Enum.GetValues<WeightFormat>()
            from matrix in MixtralShape.Matrices
            from tokens in TokenClasses.All
            select new Product(matrix.In(format), choices.For(matrix.In(format), tokens));
        return Distinct([.. products.SelectMany(Of), .. Others(device)]);
    }

    /// <summary>Decoding as shipped, but with packed dot products: what the tuner may choose where they are accelerated.</summary>
    public static IReadOnlyList<Variant> Packed(DeviceDescription device)
    {
        ProductChoices choices = ProductChoices.Shipped(device);
        IEnumerable<Product> products =
            from format in Formats.Where(QuantizeRows.Serves)
            from matrix in MixtralShape.Matrices
            select new Product(matrix.In(format),
            choices.For(matrix.In(format), TokenClass.One) with { Arithmetic = Arithmetic.PackedInt8 });
        return Distinct(products.Select(p => Of(p).First()));
    }

    /// <summary>What is shipped and every variant the tuner may choose.</summary>
    public static IReadOnlyList<Variant> All(DeviceDescription device)
    {
        IEnumerable<Product> products =
            from format in Formats
            from matrix in MixtralShape.Matrices
            from tokens in TokenClasses.All
            from variant in ProductVariants.ValidOn(device, matrix.In(format), tokens)
            select new Product(matrix.In(format), variant);
        // Adding to the output (+=) changes no loop: only what is shipped is compiled in both forms.
        return Distinct([.. Shipped(device), .. products.Select(p => Of(p).First())]);
    }

    private static Variant[] Distinct(IEnumerable<Variant> variants) => [.. variants.DistinctBy(v => PipelineKey.Of(v.Kernel))];

    private static IEnumerable<Variant> Of(Product product)
    {
        ProductShape shape = product.Shape;
        ProductVariant variant = product.Variant;
        LoopShape? loop = Formats.Contains(shape.Format) ? product.Loop : null;
        switch (shape.Kind)
        {
            case ProductKind.Dense:
                yield return new Variant($"{product}", new MatMul(shape.Format, default, default, default, default, shape.Cols, shape.Rows,
                    0, shape.Rows, false, 1, variant), product, loop);
                yield return new Variant($"{product} +=", new MatMul(shape.Format, default, default, default, default, shape.Cols,
                    shape.Rows, 0, shape.Rows, true, 1, variant), product, loop);
                break;
            case ProductKind.GateUp:
                yield return new Variant($"{product}", new ExpertGateUp(shape.Format, default, default, default, default, default, default,
                    0, TopK, shape.Cols, shape.Rows, 0, shape.Rows, 1, variant), product, loop);
                break;
            case ProductKind.Down:
                yield return new Variant($"{product}", new ExpertMatMul(shape.Format, default, default, default, default, default, 0, 1,
                    shape.Cols, shape.Rows, 0, shape.Rows, 1, variant), product, loop);
                break;
        }
    }

    private static uint TopK => (uint)MixtralShape.Config.ExpertsPerToken;

    /// <summary>Every other kernel, for the most rows of each class where that is a constant.</summary>
    private static IEnumerable<Variant> Others(DeviceDescription device)
    {
        ModelConfig c = MixtralShape.Config;
        uint dim = (uint)c.Dim, hidden = (uint)c.HiddenDim, heads = (uint)c.HeadCount, kvHeads = (uint)c.KvHeadCount,
            headDim = (uint)c.HeadDim, experts = (uint)c.ExpertCount;
        uint qkv = (heads + 2 * kvHeads) * headDim, context = (uint)c.ContextLength, pages = (uint)KvPages.PagesFor((int)context),
            splits = AttentionSplit.SplitsOf(context);
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            yield return Plain(new EmbeddingRows(format, default, default, default, default, dim, 0, (uint)c.VocabSize, 1));
        foreach (KvFormat kv in Enum.GetValues<KvFormat>())
        {
            yield return Plain(new RopeKvWrite(kv, default, default, default, default, default, default, default, default, heads, kvHeads,
                headDim, (uint)c.RopeDim, pages, 1));
            foreach (uint rows in TokenClasses.Cover(512))
            {
                AttentionPlan plan = AttentionPlan.For(c, device, splits, rows);
                if (plan.IsSplit)
                    yield return Plain(new AttentionSplit(kv, default, default, default, default, default, default, default, default,
                        heads, kvHeads, headDim, qkv, pages, splits, plan.Block, plan.PassingLanes, plan.Form, 1), Block(plan));
                else yield return Plain(new AttentionPrefill(kv, default, default, default, default, default, default, default, default,
                    heads, kvHeads, headDim, qkv, pages, plan.Block, plan.PassingLanes, plan.Form, 1), Block(plan));
            }
        }
        yield return Plain(new AttentionMerge(default, default, default, default, heads, headDim, splits, 1));
        foreach (bool gated in (bool[])[false, true])
            yield return Plain(new AddParts(default, default, default, 8, gated, !gated, TopK, 0, dim, dim, dim, 1), gated ? " gated" : "");
        yield return Plain(new QuantizeRows(default, default, default, dim, 1, 1));
        yield return Plain(new RmsNorm(default, default, default, default, default, dim, c.RmsEpsilon, 0, 1));
        yield return new Variant(Router, new RouterTopK(default, default, default, default, default, default, dim, experts, TopK, 0, 1),
            null, new LoopShape(16, 1, StepsHoldAllLoads: true));
        yield return Plain(new CombineExperts(default, default, default, default, default, default, default, dim, TopK, true, experts, 1));
        yield return Plain(new SwiGlu(default, default, default, default, hidden, TopK, 1));
        yield return Plain(new GatherRows(default, default, default, default, dim, dim, 1));
        yield return Plain(new FiniteCheck(default, default, default, (uint)c.VocabSize, 0, 1));
        ProductChoices choices = ProductChoices.Shipped(device);
        foreach (uint rows in TokenClasses.Cover(512))
        {
            ExpertVariants gateUp = choices.ForExpert(new(ProductKind.GateUp, WeightFormat.Q4_0, hidden, dim), TokenClasses.Of(rows));
            ExpertVariants down = choices.ForExpert(new(ProductKind.Down, WeightFormat.Q4_0, dim, hidden), TokenClasses.Of(rows));
            yield return Plain(new GroupTokens(default, default, default, default, default, default, experts, experts, TopK,
                ExpertGrids.Of(gateUp, hidden), ExpertGrids.Of(down, dim), rows), $" up to {rows} tokens");
        }
    }

    private static string Block(AttentionPlan plan) => $" {plan.Block.Heads} x {plan.Block.Rows}";

    private static Variant Plain(IKernel kernel, string suffix = "") => new(kernel.Shader + suffix, kernel);
}
