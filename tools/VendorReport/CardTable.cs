using MixtralVk.Kernels;
using MixtralVk.Quantization;

namespace VendorReport;

/// <summary>A matrix on a card: what is shipped, and the best of the compiled variants by the same prediction.</summary>
internal sealed record MatrixPrediction(string Matrix, uint PerToken, CompiledKernel Kernel, Prediction Shipped,
    CompiledKernel BestKernel, Prediction Best);

/// <summary>Predictions of a token's decode on a card.</summary>
internal sealed class CardTable
{
    private readonly CompiledTarget _target;
    private readonly CompiledTarget _rdna;

    public CardTable(Card card, IReadOnlyList<CompiledTarget> results, WeightFormat format)
    {
        Card = card;
        _target = results.Single(r => r.Target == card.Target);
        _rdna = results.Single(r => r.Target == "navi21");
        Matrices = [.. MixtralShape.Matrices.SelectMany(m => m.Name == "gate, up"
            ? [Router(), Predict(m, format)] : (MatrixPrediction[])[Predict(m, format)])];
    }

    public Card Card { get; }

    /// <summary>The router stands before the experts.</summary>
    public IReadOnlyList<MatrixPrediction> Matrices { get; }

    /// <summary>Microseconds of all matrices of a token, as shipped.</summary>
    public double ShippedToken => Matrices.Sum(m => m.PerToken * m.Shipped.Microseconds);

    /// <summary>The same with the best variant of each.</summary>
    public double BestToken => Matrices.Sum(m => m.PerToken * m.Best.Microseconds);

    /// <summary>The same if nothing but bandwidth mattered.</summary>
    public static double BandwidthToken(Card card, WeightFormat format) =>
        MixtralShape.Matrices.Sum(m => m.PerToken * (double)m.Concurrent * m.In(format).Matrices
            * new RowTileLayout(format, (int)m.Rows, (int)m.Cols).Bytes) / (card.GigaBytesPerSecond * Card.ReachableShare) / 1000;

    private MatrixPrediction Predict(ModelMatrix matrix, WeightFormat format)
    {
        CompiledKernel shipped =
            _target[_target.Shipped.Single(s => s.Matrix == matrix.Name && s.Format == format && s.Tokens == TokenClass.One).Kernel];
        Prediction asShipped = Of(shipped, matrix);
        ProductShape shape = matrix.In(format);
        var best = _target.Kernels
            .Where(k => k is { Product: { } p, Spilled: false } && p.Variant.TokensPerPass == 1
            && (p.Shape.Kind, p.Shape.Format, p.Shape.Cols) == (shape.Kind, shape.Format, shape.Cols))
            .Select(k => (Kernel: k, Prediction: Of(k, matrix))).MinBy(b => b.Prediction.Microseconds);
        // What is shipped stays where another is no better.
        return best.Prediction.Microseconds < 0.98 * asShipped.Microseconds
            ? new(matrix.Name, matrix.PerToken, shipped, asShipped, best.Kernel, best.Prediction)
            : new(matrix.Name, matrix.PerToken, shipped, asShipped, shipped, asShipped);
    }

    private Prediction Of(CompiledKernel kernel, ModelMatrix matrix) => Prediction.Of(Card, WithLoads(kernel), matrix);

    private MatrixPrediction Router()
    {
        CompiledKernel kernel = WithLoads(_target[Variant.Router]);
        Prediction prediction = Prediction.OfRouter(Card, kernel);
        return new("router", 32, kernel, prediction, kernel, prediction);
    }

    /// <summary>
    /// NVK 25 leaves a load next to its use, which NVIDIA's own compiler does not: for its cards the loads in flight are those that RADV
    /// reaches with the same kernel on RDNA 2.
    /// </summary>
    private CompiledKernel WithLoads(CompiledKernel kernel)
    {
        if (Target.All.Single(t => t.Id == _target.Target).Vendor != Vendor.Nvidia) return kernel;
        if (_rdna.Kernels.FirstOrDefault(k => k.Name == kernel.Name)?.Loop is not { } rdna) return kernel;
        return kernel with { Loop = kernel.Loop! with { LoadsInFlight = rdna.LoadsInFlight / rdna.Loads * kernel.Loop!.Loads } };
    }
}
