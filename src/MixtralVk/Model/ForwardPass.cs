using System.Diagnostics.CodeAnalysis;
using MixtralVk.Kernels;

namespace MixtralVk.Model;

/// <summary>
/// Runs a model on one device. One step is in progress at a time; not thread-safe, but calls may come from different threads in turn.
/// </summary>
public abstract class ForwardPass : IDisposable
{
    private readonly StageLists _stages;

    /// <summary>Sets the sizes; all stages are whole.</summary>
    protected ForwardPass(ModelConfig config, int contextLength, int maxBatchTokens, KvFormat kvFormat, int pageCount,
        int hostPageCount = 0)
    {
        Config = config;
        ContextLength = contextLength;
        MaxBatchTokens = maxBatchTokens;
        KvFormat = kvFormat;
        Pages = new KvPages(pageCount, hostPageCount);
        _stages = new StageLists(config);
        EndStep();
    }

    /// <summary>The model's sizes.</summary>
    public ModelConfig Config { get; }

    /// <summary>Longest sequence in tokens this instance was opened for.</summary>
    public int ContextLength { get; }

    /// <summary>Most tokens of one step.</summary>
    public int MaxBatchTokens { get; }

    /// <summary>Storage of keys and values.</summary>
    public KvFormat KvFormat { get; }

    /// <summary>Bytes of a token's keys and values, in all layers.</summary>
    public long KvTokenBytes => KvFormat.PageBytes(Config) / KvPages.PageTokens;

    /// <summary>The KV cache's pages.</summary>
    public KvPages Pages { get; }

    /// <summary>How the weights came where they are.</summary>
    public WeightTransfer Transfer { get; protected set; }

    /// <summary>The stages of the step in progress or, after it, of the latest, in order.</summary>
    public IReadOnlyList<Stage> Stages { get; private set; }

    /// <summary>Index into <see cref="Stages"/> of the stage that runs next; <c>Stages.Count</c> when the step is complete.</summary>
    public int NextStage { get; protected set; }

    /// <summary>
    /// What the device took for the latest <see cref="Run"/>: by the device's own clock where that is in use, else the time the call took.
    /// </summary>
    public TimeSpan RunTime { get; protected set; }

    /// <summary>
    /// Has the device's own clock tell <see cref="RunTime"/>, if it has one: on a device shared with others the call may wait for their
    /// work.
    /// </summary>
    internal virtual void UseDeviceClock()
    {
    }

    /// <summary>
    /// Cuts the stages of the steps to come into other parts; a step in progress ends there. Parts without rows, where there are more than
    /// tiles of 64, do nothing.
    /// </summary>
    public void CutStages(StageCut cut)
    {
        for (TokenClass rows = TokenClass.One; rows <= LargestClass; rows++) CutStages(rows, cut);
    }

    /// <summary>The same for what rows of one class go through.</summary>
    internal void CutStages(TokenClass rows, StageCut cut)
    {
        foreach (int parts in (ReadOnlySpan<int>)[cut.Attention, cut.GateUp, cut.Down, cut.Head])
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(parts, nameof(cut));
        if (cut == CutOf(rows)) return;
        AbandonStep();
        OnCut(rows, cut);
        _stages[rows] = cut;
        EndStep();
    }

    /// <summary>How stages are cut that rows of such a class go through.</summary>
    internal StageCut CutOf(TokenClass rows) => _stages[rows];

    /// <summary>The class of the largest step.</summary>
    internal TokenClass LargestClass => TokenClasses.Of((uint)MaxBatchTokens);

    /// <summary>The stages of a step of such a class, in order.</summary>
    internal Stage[] StagesOf(StepClass step) => _stages.Of(step);

    /// <summary>Makes the first stage of a step the next one.</summary>
    private protected void BeginStages(StepBatch batch)
    {
        Stages = StagesOf(StepClass.Of(batch.Count, batch.OutputCount));
        NextStage = 0;
    }

    /// <summary>A step in progress is not gone on with.</summary>
    protected abstract void AbandonStep();

    /// <summary>The stages of a class are cut anew.</summary>
    private protected virtual void OnCut(TokenClass rows, StageCut cut)
    {
    }

    [MemberNotNull(nameof(Stages))]
    private void EndStep()
    {
        Stages = StagesOf(StepClass.Of(1, 1));
        NextStage = Stages.Count;
    }

    /// <summary>
    /// Begins a step. Checks the batch (token ids in the vocabulary: <see cref="TokenRangeException"/>; context length:
    /// <see cref="ContextOverflowException"/>) and makes its first stage the next one. The batch must not change until the step is
    /// complete.
    /// </summary>
    public abstract void Begin(StepBatch batch);

    /// <summary>
    /// Runs the next <paramref name="stageCount"/> stages and waits for them. When the last one is done, throws
    /// <see cref="NonFiniteException"/> if a layer produced NaN or infinity; otherwise commits the batch's tokens to their sequences.
    /// </summary>
    public abstract void Run(int stageCount);

    /// <summary>What the bits of keys and values depend on, on the device in use.</summary>
    internal abstract KvOrigin Origin { get; }

    /// <summary>
    /// Between two steps: takes note of the copies of pages that have to be made before anybody reads or writes some; <see cref="Begin"/>
    /// does, too.
    /// </summary>
    internal virtual void TakePageMoves()
    {
    }

    /// <summary>
    /// Reads pages of the KV cache and waits for that, between two steps; <see cref="RunTime"/> tells what it took. Of each page the keys
    /// and then the values of every layer, as they lie there (docs/design.md).
    /// </summary>
    internal abstract void ReadPages(ReadOnlySpan<int> pages, Span<byte> bytes);

    /// <summary>The same, written.</summary>
    internal abstract void WritePages(ReadOnlySpan<int> pages, ReadOnlySpan<byte> bytes);

    /// <summary>
    /// Pages of the KV cache to be copied from and to the host's memory before the step that has begun; <see cref="Run"/> copies what is
    /// left of them.
    /// </summary>
    internal virtual int PagesToMove => 0;

    /// <summary>Copies the next of these pages, at most so many, and waits for that.</summary>
    internal virtual void MovePages(int most)
    {
    }

    /// <summary>Logits of the batch's n-th output row, length vocab; valid until the next step begins.</summary>
    public abstract ReadOnlySpan<float> Logits(int outputRow);

    /// <summary>
    /// What the logits of the batch's n-th output row were computed from: the residual stream after the last layer and the output norm,
    /// length dim; valid until the next step begins.
    /// </summary>
    public abstract ReadOnlySpan<float> Hidden(int outputRow);

    /// <summary>
    /// Milliseconds that the next piece of work is expected to take which makes later steps faster (an expert that is used often comes to
    /// the device): NaN where none like it was measured, infinite where it is to wait for what goes on beside steps, null where there is
    /// nothing to do. Between steps.
    /// </summary>
    internal virtual double? RearrangementMilliseconds => null;

    /// <summary>Does that piece of work and waits for it. Between steps; <see cref="RunTime"/> tells what it took.</summary>
    internal virtual void Rearrange()
    {
    }

    /// <summary>
    /// After a step that found no memory on the device: gives up what steps can do without, and waits for that; the step may then be tried
    /// again. False where there is nothing left to give up.
    /// </summary>
    internal virtual bool TryShed() => false;

    /// <summary>Runs a whole step.</summary>
    public void Step(StepBatch batch)
    {
        Begin(batch);
        Run(Stages.Count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees weights, caches and device objects.</summary>
    protected abstract void Dispose(bool disposing);

    /// <summary>Throws unless every token of the batch is in the vocabulary and every position in the context.</summary>
    protected void Check(StepBatch batch)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(batch.Count, MaxBatchTokens);
        ArgumentOutOfRangeException.ThrowIfZero(batch.Count);
        foreach (int token in batch.Tokens)
            if ((uint)token >= (uint)Config.VocabSize) throw new TokenRangeException(token, Config.VocabSize);
        foreach (int position in batch.Positions)
            if (position >= ContextLength) throw new ContextOverflowException(position + 1, ContextLength);
    }
}
