using MixtralVk.Experts;
using MixtralVk.Loading;
using MixtralVk.Model;
using MixtralVk.Model.Vulkan;
using MixtralVk.Scheduling;
using MixtralVk.Tokenization;

namespace MixtralVk;

/// <summary>
/// A loaded model. It serves any number of sessions and chats, which are to be disposed before it; its members may be used from any thread.
/// </summary>
public sealed class MixtralModel : IDisposable
{
    private readonly LoadedDevice _device;
    private readonly DeviceRecovery _recovery;
    private readonly ChatTemplateException? _chatProblem;
    private readonly MemoryUsage _memory; // with all experts

    private MixtralModel(string path, Tokenizer tokenizer, string? chatTemplate, LoadedDevice device, MemoryUsage memory,
        MixtralOptions options)
    {
        _device = device;
        Path = path;
        Tokenizer = tokenizer;
        _memory = memory;
        try
        {
            ChatTemplate = ChatTemplate.Recognize(tokenizer, chatTemplate);
        }
        catch (ChatTemplateException problem)
        {
            _chatProblem = problem; // raw generation still works; StartChat tells
        }
        _recovery = new DeviceRecovery(device, problem => DeviceLost?.Invoke(this, new DeviceLostEventArgs(problem, device.IsHosts)));
        // Last: its thread runs from now on.
        Scheduler = new Scheduler(device.ForwardPass, options.Pacing, options.PlacementOfThreads,
            device.Info.Kind == DeviceKind.Vulkan ? _recovery.TryRecover : null);
    }

    /// <summary>The model's file.</summary>
    public string Path { get; }

    /// <summary>The model's sizes.</summary>
    public ModelConfig Config => ForwardPass.Config;

    /// <summary>Longest conversation in tokens.</summary>
    public int ContextLength => ForwardPass.ContextLength;

    /// <summary>The vocabulary.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The form of conversations; null when it is not known, and then only raw text can be generated.</summary>
    public ChatTemplate? ChatTemplate { get; }

    /// <summary>Where the model is computed, and how many of its experts are there at the moment, where they need not all be.</summary>
    public DeviceInfo Device => _device.Info;

    /// <summary>Memory the model takes on its device at the moment: experts may come and go.</summary>
    public MemoryUsage Memory =>
        _memory with { WeightBytes = _memory.WeightBytes - ((ForwardPass as VulkanForwardPass)?.ExpertBytesElsewhere ?? 0) };

    /// <summary>
    /// Most bytes of the GPU's memory for experts (<see cref="MixtralOptions.ExpertBudgetBytes"/>), to be lowered when the program needs
    /// memory, and raised again. From any thread, at once: experts leave and come between the next steps, a few at a time, or while nothing
    /// is computed. Setting it throws <see cref="InvalidOperationException"/> where the experts are not shared by GPU and processor.
    /// </summary>
    public long? ExpertBudgetBytes
    {
        get => (ForwardPass as VulkanForwardPass)?.ExpertBudgetBytes;
        set
        {
            if (value is long bytes) ArgumentOutOfRangeException.ThrowIfNegative(bytes, nameof(value));
            if (ForwardPass is not VulkanForwardPass pass)
                throw new InvalidOperationException("The model runs on the processor: it has no experts on a GPU.");
            pass.ExpertBudgetBytes = value;
            Scheduler.Wake();
        }
    }

    /// <summary>
    /// What the experts of each layer did since loading, where GPU and processor share them; else empty. A copy; from any thread.
    /// </summary>
    public IReadOnlyList<LayerActivity> ExpertActivity => (ForwardPass as VulkanForwardPass)?.ExpertActivity ?? [];

    /// <summary>The model's layers, for callers that run steps themselves; not while sessions of the model are in use.</summary>
    public ForwardPass ForwardPass => _device.ForwardPass;

    internal Scheduler Scheduler { get; }

    internal TickReaders TickReaders { get; } = new();

    /// <summary>
    /// Loads a model file. Throws <see cref="ModelFileException"/> for a file that cannot be used, <see cref="TokenizerException"/> for a
    /// vocabulary of another kind, <see cref="ContextOverflowException"/> for a longer context than the model's,
    /// <see cref="MemoryBudgetException"/>, <see cref="HostMemoryException"/>, <see cref="DeviceNotFoundException"/>,
    /// <see cref="Gpu.GpuException"/> when the device asked for cannot be used, or <see cref="OperationCanceledException"/>.
    /// </summary>
    /// <param name="path">A packed model or a GGUF file.</param>
    /// <param name="options">Device, context and limits; null takes the defaults.</param>
    /// <param name="progress">Told while weights are loaded; may be called from any thread.</param>
    /// <param name="cancellationToken">Stops loading; nothing stays allocated.</param>
    public static MixtralModel Load(
        string path, MixtralOptions? options = null, IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new MixtralOptions();
        options.Validate();
        using ModelSource source = ModelSource.Open(path);
        var tokenizer = new Tokenizer(source.Vocabulary);
        ModelConfig config = source.Config;
        int contextLength = MixtralOptions.ContextLengthOf(options.ContextLength, config);
        ModelSummary summary = source.Describe();
        var memory = new MemoryUsage(summary.WeightBytes, CacheSize.Least(options, contextLength) * options.KvFormat.PageBytes(config));
        bool maps = WeightPlacement.Maps(source, options.Map, memory, options.MainMemoryBytes ?? WeightPlacement.MainMemory);
        if (maps) memory = memory with { MappedBytes = summary.TileBytes };
        cancellationToken.ThrowIfCancellationRequested();

        var device = LoadedDevice.Load(source, options, summary, memory, contextLength, progress, cancellationToken);
        memory = new MemoryUsage(summary.WeightBytes, device.ForwardPass.Pages.PageCount * options.KvFormat.PageBytes(config))
            { MappedBytes = device.ForwardPass.Transfer.InPlaceBytes };
        try
        {
            return new MixtralModel(path, tokenizer, source.Vocabulary.ChatTemplate, device, memory, options);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>Loads a model file on the thread pool; see <see cref="Load"/>.</summary>
    public static Task<MixtralModel> LoadAsync(
        string path, MixtralOptions? options = null, IProgress<LoadProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(path, options, progress, cancellationToken), cancellationToken);

    /// <summary>
    /// Raised once for each loss of the Vulkan device (a driver's reset, a watchdog, an unplugged GPU), on the model's thread, which goes
    /// on when it returns. The model has left the device by then. A device of its own it opens anew, and loads its file again; a host's it
    /// needs another for (<see cref="AttachAsync"/>). Sessions keep their texts, what was computed of them is computed again, and who waits
    /// for tokens waits on; where a handler throws, that ends their wait, and the next to come has it tried again.
    /// </summary>
    public event EventHandler<DeviceLostEventArgs>? DeviceLost;

    /// <summary>
    /// Moves a model that computes on the host's device to another one, after a loss or for any other reason, from any thread. The task
    /// ends when nothing of the model is left on the old device and it computes on the new one; it fails with what kept it from that, and
    /// another try may follow.
    /// </summary>
    public Task AttachAsync(Gpu.HostDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!_device.IsHosts)
            throw new InvalidOperationException("Only a model that was loaded with MixtralOptions.HostDevice moves to another device.");
        Task attached = _recovery.Attach(device);
        Scheduler.LeaveDevice();
        return attached;
    }

    /// <summary>
    /// A vector for a text, to compare it with others: the mean of the hidden states of all its tokens after the last layer and its norm,
    /// scaled to length 1 (<see cref="ModelConfig.Dim"/> numbers). Throws <see cref="ContextOverflowException"/> for more tokens than the
    /// context holds, <see cref="TokenRangeException"/>, or <see cref="OperationCanceledException"/>.
    /// </summary>
    /// <param name="tokens">The text's tokens, at least one; not to be changed until the vector is there.</param>
    /// <param name="cancellationToken">Ends the task at once; the chunk that is being computed is for nobody then.</param>
    public Task<float[]> EmbedAsync(ReadOnlyMemory<int> tokens, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfZero(tokens.Length, nameof(tokens));
        if (tokens.Length > ContextLength) throw new ContextOverflowException(tokens.Length, ContextLength);
        var embedding = new Embedding(ForwardPass, tokens, cancellationToken);
        Scheduler.Add(embedding);
        return embedding.Vector.WaitAsync(cancellationToken); // its turn may be far off
    }

    /// <summary>Begins an empty text.</summary>
    public Session StartSession() => new(this);

    /// <summary>
    /// Begins a conversation. Throws <see cref="ChatTemplateException"/> when the model's form of conversation is not known, and
    /// <see cref="ArgumentException"/> for options out of their range.
    /// </summary>
    /// <param name="persona">Who the model is to be and what it knows; null for none.</param>
    /// <param name="options">How answers are generated; null takes the defaults.</param>
    public Chat StartChat(string? persona = null, GenerationOptions? options = null)
    {
        options ??= new GenerationOptions();
        options.Validate();
        return new Chat(this, RequireChatTemplate(), persona, options);
    }

    /// <summary>The form of conversation. Throws <see cref="ChatTemplateException"/> when it is not known.</summary>
    internal ChatTemplate RequireChatTemplate() => ChatTemplate ?? throw _chatProblem!;

    /// <summary>
    /// To be called once per frame, from any thread: grants the model this much of the device (<see cref="Pacing.PerFrame"/>) in place of
    /// what is left of the frame before, and hands over what came of answers that are to be read here (<see cref="Reply.ReadInTick"/>,
    /// <see cref="Characters.CharacterReply.ReadInTick"/>) and the actions of characters. Overdrafts are deducted from the next grants. A
    /// grant ends with the next one and after 100 ms. Never waits, takes no lock of a host's queue, and allocates nothing but what the
    /// handlers do. What a handler throws comes out here; the next tick goes on with what follows.
    /// </summary>
    public void Tick(FrameBudget budget)
    {
        Scheduler.Grant(budget);
        TickReaders.Read();
    }

    /// <summary>
    /// Stops computing after the slice in progress, whatever is granted, until <see cref="Resume"/>: menus, loading screens, sleep. From
    /// any thread, at once.
    /// </summary>
    public void Pause() => Scheduler.IsPaused = true;

    /// <summary>Goes on after <see cref="Pause"/>.</summary>
    public void Resume() => Scheduler.IsPaused = false;

    /// <summary>
    /// Takes the slices that have run since the last call, the oldest first, as many as fit; beyond some 1000 the oldest are forgotten.
    /// Gives their number; allocates nothing.
    /// </summary>
    public int ReadSlices(Span<Slice> destination) => Scheduler.Slices.Take(destination);

    /// <summary>
    /// Frees the model's memory, once the part of a step that is in progress has finished. Readers that still wait get an
    /// <see cref="ObjectDisposedException"/>. Throws <see cref="InvalidOperationException"/>, and nothing changes, on the model's own
    /// thread (<see cref="DeviceLost"/>, a sampler), which would wait for itself.
    /// </summary>
    public void Dispose()
    {
        Scheduler.Dispose();
        _recovery.Dispose();
        _device.Dispose();
    }
}
