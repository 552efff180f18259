using MixtralVk.Cpu.Bytes;
using MixtralVk.Loading;
using MixtralVk.Model;

namespace MixtralVk.Cpu;

/// <summary>
/// Experts that the processor computes for a pass on another device: all experts' weights in main memory, the threads, and what lies
/// between gate, up and down. One layer's step at a time; not thread-safe.
/// </summary>
internal sealed unsafe class CpuExperts : IDisposable
{
    private readonly ModelConfig _config;
    private readonly LayerExperts[] _layers;
    private readonly ExpertTable? _table;
    private readonly HostTiles? _tiles;
    private readonly WorkerThreads? _threads;
    private readonly ActivationMemory _memory = new();
    private readonly ProductInput _normed, _hidden;
    private readonly float* _outputs;
    private ExpertGroups _groups;
    private int _tokens, _entries;

    /// <param name="source">The opened model, a sparse one.</param>
    /// <param name="mapped">Where its matrices are mapped, else null; must outlive this object.</param>
    /// <param name="maxTokens">Most tokens of a step.</param>
    /// <param name="normed">(tokens, dim): where the input of a layer's experts will be.</param>
    /// <param name="outputs">(tokens, topK, dim): where the outputs of the experts computed here go.</param>
    /// <param name="cpu">Threads and arithmetic.</param>
    /// <param name="progress">Told while weights are read.</param>
    /// <param name="cancellation">Ends reading.</param>
    public CpuExperts(ModelSource source, MappedTiles? mapped, int maxTokens, float* normed, float* outputs, CpuOptions cpu,
        IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        _config = source.Config;
        _outputs = outputs;
        int threads = cpu.Threads == 0 ? Environment.ProcessorCount : cpu.Threads, entries = maxTokens * _config.ExpertsPerToken;
        try
        {
            _table = new ExpertTable(_config);
            _tiles = new HostTiles(source, mapped, mapped is null ? ExpertTable.BytesOf(source) : 0);
            _layers = [.. Enumerable.Range(0, _config.LayerCount).Select(layer => _table.Add(_tiles, layer))];
            _normed = _memory.Input(normed, maxTokens, _config.Dim, cpu.Arithmetic);
            _hidden = _memory.Input(entries, _config.HiddenDim, cpu.Arithmetic);
            _groups = _memory.Groups(_config.ExpertsPerToken, _config.ExpertCount, entries);
            _tiles.Read(threads, progress, cancellation);
            _threads = new WorkerThreads(threads, cpu.Placement);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A layer's weights, to be copied from.</summary>
    public LayerExperts this[int layer] => _layers[layer];

    /// <summary>Bytes read into main memory.</summary>
    public long Bytes => _tiles!.Bytes;

    /// <summary>Begins a layer's step.</summary>
    /// <param name="ids">(tokens, topK): the experts chosen.</param>
    /// <param name="elsewhere">(experts): those that are not computed here.</param>
    /// <returns>Choices that are computed here.</returns>
    public int Begin(ReadOnlySpan<int> ids, ReadOnlySpan<bool> elsewhere)
    {
        _tokens = ids.Length / _groups.TopK;
        return _entries = GroupTokens.Run(ids, _config.ExpertCount, ref _groups, elsewhere);
    }

    /// <summary>Rows of the step that has begun that an expert computes here.</summary>
    public int RowsOf(int expert) => _groups.Counts[expert];

    /// <summary>A gate/up or down stage, or a part of one.</summary>
    public void Run(Stage stage)
    {
        ref readonly LayerExperts experts = ref _layers[stage.Layer];
        if (stage.Kind == StageKind.GateUp)
        {
            if (stage.IsFirst) QuantizeRows.Run(_threads!, _normed, _tokens);
            ExpertGateUp.Run(_threads!, experts.Gate, experts.Up, _groups, _normed, _hidden.Floats, stage.Part, stage.Parts);
            if (stage.IsLast) QuantizeRows.Run(_threads!, _hidden, _groups.Entries, _entries);
        }
        else ExpertDown.Run(_threads!, experts.Down, _groups, _hidden, _outputs, stage.Part, stage.Parts);
    }

    public void Dispose()
    {
        _threads?.Dispose();
        _memory.Dispose();
        _tiles?.Dispose();
        _table?.Dispose();
    }
}
