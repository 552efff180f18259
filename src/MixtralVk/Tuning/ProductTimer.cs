using System.Runtime.InteropServices;
using MixtralVk.Gpu;
using MixtralVk.Kernels;
using MixtralVk.Model.Vulkan;
using MixtralVk.Quantization;

namespace MixtralVk.Tuning;

/// <summary>Times the variants of one product on a model's own weights. Takes activations of its own; disposing frees them.</summary>
internal sealed class ProductTimer : IDisposable
{
    private readonly TunedProduct _product;
    private readonly DispatchTimer _timer;
    private readonly List<GpuBuffer> _buffers = [];
    private readonly GpuDevice _device;
    private readonly GpuBuffer _input, _quants, _output, _parts, _rows, _groups, _entries;

    public ProductTimer(GpuDevice device, TunedProduct product, DispatchTimer timer)
    {
        (_device, _product, _timer) = (device, product, timer);
        ProductShape shape = product.Shape;
        ulong tokens = TokensOf(TokenClass.Chunk);
        try
        {
            _input = Buffer(tokens * shape.Cols, "tuning input");
            _quants = Buffer(tokens * Math.Max(1, QuantizeRows.WordsOf(shape.Cols)), "tuning rounded input");
            _output = Buffer(tokens * shape.Rows, "tuning output");
            _parts = Buffer(shape.Matrices * ProductVariants.MaxWorkgroupSplits
                * AddParts.StrideOf(TokensOf(TokenClass.Batch), shape.Rows), "tuning parts");
            _rows = Buffer(1, "tuning rows");
            _groups = Buffer(2, "tuning groups");
            _entries = Buffer(tokens, "tuning entries");
            FillInputs();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Tokens a class is measured with; of an expert in a chunk, its share of them.</summary>
    public static uint TokensOf(TokenClass tokens) => tokens switch
    {
        TokenClass.One => 1,
        TokenClass.Few => 4,
        TokenClass.Batch => 16,
        TokenClass.Chunk => 64,
    };

    /// <summary>Seconds of one dispatch over <see cref="TokensOf"/> tokens.</summary>
    public double Seconds(ProductVariant variant, TokenClass tokens, CancellationToken cancellation)
    {
        uint count = TokensOf(tokens);
        SetTokens(count);
        int next = 0;
        return _timer.Run(recorder =>
        {
            TunedWeights weights = _product.Weights[next];
            next = (next + 1) % _product.Weights.Count;
            Record(recorder, weights, variant, count);
        }, _product.Weights.Count, cancellation).Seconds;
    }

    private void Record(Recorder recorder, TunedWeights weights, ProductVariant variant, uint tokens)
    {
        (ProductKind kind, WeightFormat format, uint rows, uint cols) = _product.Shape;
        bool isSplit = variant.WorkgroupSplits > 1;
        uint partStride = AddParts.StrideOf(tokens, rows);
        BufferView output = (isSplit ? _parts : _output).View,
            quants = variant.Arithmetic == Arithmetic.PackedInt8 ? _quants.View : default;
        if (variant.Arithmetic == Arithmetic.PackedInt8)
            recorder.Dispatch(new QuantizeRows(_rows.View, _input.View, quants, cols, 1, tokens));
        switch (kind)
        {
            case ProductKind.Dense:
                recorder.Dispatch(new MatMul(format, weights.First, _rows.View, _input.View, output, cols, weights.Rows, 0, rows, false,
                    tokens, variant, partStride, quants));
                break;
            case ProductKind.GateUp:
                recorder.Dispatch(
                    new ExpertGateUp(format, _groups.View, _entries.View, weights.First, weights.Second, _input.View, output, 0, 1, cols,
                    weights.Rows, 0, rows, tokens, variant, partStride, quants));
                break;
            case ProductKind.Down:
                recorder.Dispatch(new ExpertMatMul(format, _groups.View, _entries.View, weights.First, _input.View, output, 0, 1, cols,
                    weights.Rows, 0, rows, tokens, variant,
                    partStride, quants));
                break;
        }
        if (isSplit)
            recorder.Dispatch(new AddParts(_rows.View, output, _output.View, variant.WorkgroupSplits, kind == ProductKind.GateUp, false, 1,
                0, weights.Rows, rows, partStride, tokens));
    }

    /// <summary>An input of no special values, and the tokens as entries of one expert.</summary>
    private void FillInputs() => Upload(
        new Upload(_input.View, bytes => Pattern(MemoryMarshal.Cast<byte, float>(bytes)), _input.Name),
        new Upload(_entries.View, bytes => Ascending(MemoryMarshal.Cast<byte, uint>(bytes)), _entries.Name));

    /// <summary>So many rows, all of them the expert's.</summary>
    private void SetTokens(uint tokens) => Upload(
        new Upload(_rows.View, bytes => MemoryMarshal.Write(bytes, tokens), _rows.Name),
        new Upload(_groups.View, bytes => MemoryMarshal.Write(bytes, (Count: tokens, Offset: 0u)), _groups.Name));

    private void Upload(params Upload[] uploads)
    {
        using var uploader = new WeightUploader(_device);
        uploader.Run(uploads, null, CancellationToken.None);
    }

    private static void Pattern(Span<float> values)
    {
        for (int i = 0; i < values.Length; i++) values[i] = ((i * 37 & 255) - 128) / 128f;
    }

    private static void Ascending(Span<uint> values)
    {
        for (int i = 0; i < values.Length; i++) values[i] = (uint)i;
    }

    private GpuBuffer Buffer(ulong words, string name)
    {
        GpuBuffer buffer = _device.CreateBuffer(words * sizeof(uint), BufferUse.Device, name);
        _buffers.Add(buffer);
        return buffer;
    }

    public void Dispose()
    {
        foreach (GpuBuffer buffer in _buffers) buffer.Dispose();
    }
}
