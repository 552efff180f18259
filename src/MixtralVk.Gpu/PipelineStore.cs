using System.Collections.Concurrent;
using Silk.NET.Vulkan;

namespace MixtralVk.Gpu;

/// <summary>A compute pipeline with its layouts.</summary>
internal sealed record ComputePipeline(Pipeline Handle, PipelineLayout Layout, DescriptorSetLayout SetLayout);

/// <summary>
/// Makes compute pipelines and keeps them for the life of the device. Thread-safe: several may be made at once.
/// </summary>
internal sealed unsafe class PipelineStore : IDisposable
{
    private readonly GpuDevice _device;
    private readonly ShaderLibrary _shaders;
    private readonly PipelineCacheFile? _file;
    private readonly PipelineCache _cache;
    private readonly ConcurrentDictionary<PipelineKey, Lazy<ComputePipeline>> _pipelines = new();
    private readonly Dictionary<(WordList Bindings, int PushWords), (PipelineLayout Pipeline, DescriptorSetLayout Set)> _layouts = [];
    private int _unsaved; // pipelines made since the cache was written

    public PipelineStore(GpuDevice device, ShaderLibrary shaders)
    {
        _device = device;
        _shaders = shaders;
        if (device.Options.PipelineCacheDirectory is { } folder) _file = new PipelineCacheFile(folder, device.Description);
        byte[] initial = _file?.Read() ?? [];
        fixed (byte* data = initial)
        {
            var info = new PipelineCacheCreateInfo(initialDataSize: (nuint)initial.Length, pInitialData: data);
            PipelineCache cache;
            device.Vk.CreatePipelineCache(device.Handle, &info, null, &cache).ThrowOnError("vkCreatePipelineCache");
            _cache = cache;
        }
    }

    public ComputePipeline Get(PipelineKey key)
    {
        Lazy<ComputePipeline> pipeline = _pipelines.GetOrAdd(key, k => new Lazy<ComputePipeline>(() => Create(k)));
        try
        {
            return pipeline.Value;
        }
        catch
        {
            // Lazy keeps its exception; a later try may find the memory that was missing.
            _pipelines.TryRemove(new KeyValuePair<PipelineKey, Lazy<ComputePipeline>>(key, pipeline));
            throw;
        }
    }

    /// <summary>Writes what the driver compiled to the cache file, where there is one and something is new.</summary>
    public void Save()
    {
        if (_file is null || Interlocked.Exchange(ref _unsaved, 0) == 0) return;
        nuint size = 0;
        _device.Vk.GetPipelineCacheData(_device.Handle, _cache, &size, null).ThrowOnError("vkGetPipelineCacheData");
        byte[] data = new byte[size];
        fixed (byte* p = data) _device.Vk.GetPipelineCacheData(_device.Handle, _cache, &size, p).ThrowOnError("vkGetPipelineCacheData");
        _file.Write(data.AsSpan(0, (int)size));
    }

    private ComputePipeline Create(PipelineKey key)
    {
        Vk vk = _device.Vk;
        (PipelineLayout layout, DescriptorSetLayout setLayout) = LayoutOf(key);
        ReadOnlySpan<byte> spirv = _shaders[key.Shader];
        ShaderModule module;
        fixed (byte* code = spirv)
        {
            var info = new ShaderModuleCreateInfo(codeSize: (nuint)spirv.Length, pCode: (uint*)code);
            vk.CreateShaderModule(_device.Handle, &info, null, &module).ThrowOnError("vkCreateShaderModule");
        }
        try
        {
            uint[] constants = key.Constants.Values;
            SpecializationMapEntry* entries = stackalloc SpecializationMapEntry[Math.Max(1, constants.Length)];
            for (uint i = 0; i < constants.Length; i++) entries[i] = new SpecializationMapEntry(i, i * 4, 4);
            using var entryPoint = new Utf8("main");
            fixed (uint* data = constants)
            {
                var specialization = new SpecializationInfo((uint)constants.Length, entries, (nuint)constants.Length * 4, data);
                var subgroup = new PipelineShaderStageRequiredSubgroupSizeCreateInfo(requiredSubgroupSize: key.SubgroupSize);
                var stage = new PipelineShaderStageCreateInfo(pNext: key.SubgroupSize > 0 ? &subgroup : null,
                    stage: ShaderStageFlags.ComputeBit, module: module,
                    pName: entryPoint, pSpecializationInfo: &specialization);
                var create = new ComputePipelineCreateInfo(flags: _device.Options.CompileOnly ? CompilerOutput.CaptureFlags : 0,
                    stage: stage, layout: layout);
                Pipeline handle;
                vk.CreateComputePipelines(_device.Handle, _cache, 1, &create, null, &handle)
                    .ThrowOnError($"vkCreateComputePipelines of {key}");
                Interlocked.Increment(ref _unsaved);
                _device.Names.Set(ObjectType.Pipeline, handle.Handle, key.ToString());
                return new ComputePipeline(handle, layout, setLayout);
            }
        }
        finally
        {
            vk.DestroyShaderModule(_device.Handle, module, null);
        }
    }

    /// <summary>Of all pipelines with such bindings.</summary>
    private (PipelineLayout, DescriptorSetLayout) LayoutOf(PipelineKey key)
    {
        lock (_layouts)
        {
            if (!_layouts.TryGetValue((key.Bindings, key.PushWords), out var layout))
                _layouts.Add((key.Bindings, key.PushWords), layout = CreateLayout(key.Bindings.Values, key.PushWords));
            return layout;
        }
    }

    private (PipelineLayout, DescriptorSetLayout) CreateLayout(uint[] kinds, int pushWords)
    {
        DescriptorSetLayoutBinding* bindings = stackalloc DescriptorSetLayoutBinding[kinds.Length];
        for (uint i = 0; i < kinds.Length; i++)
            bindings[i] = new DescriptorSetLayoutBinding(i, ((BindingKind)kinds[i]).ToDescriptorType(), 1, ShaderStageFlags.ComputeBit);
        var setInfo = new DescriptorSetLayoutCreateInfo(bindingCount: (uint)kinds.Length, pBindings: bindings);
        DescriptorSetLayout setLayout;
        _device.Vk.CreateDescriptorSetLayout(_device.Handle, &setInfo, null, &setLayout).ThrowOnError("vkCreateDescriptorSetLayout");
        var range = new PushConstantRange(ShaderStageFlags.ComputeBit, 0, (uint)pushWords * 4);
        var info = new PipelineLayoutCreateInfo(setLayoutCount: 1, pSetLayouts: &setLayout,
            pushConstantRangeCount: pushWords > 0 ? 1u : 0u, pPushConstantRanges: &range);
        PipelineLayout layout;
        Result result = _device.Vk.CreatePipelineLayout(_device.Handle, &info, null, &layout);
        if (result < 0) _device.Vk.DestroyDescriptorSetLayout(_device.Handle, setLayout, null);
        result.ThrowOnError("vkCreatePipelineLayout");
        string name = $"{kinds.Length} bindings, {pushWords} push words";
        _device.Names.Set(ObjectType.DescriptorSetLayout, setLayout.Handle, name);
        _device.Names.Set(ObjectType.PipelineLayout, layout.Handle, name);
        return (layout, setLayout);
    }

    public void Dispose()
    {
        Vk vk = _device.Vk;
        foreach (Lazy<ComputePipeline> pipeline in _pipelines.Values)
            if (pipeline.IsValueCreated) vk.DestroyPipeline(_device.Handle, pipeline.Value.Handle, null);
        foreach ((PipelineLayout layout, DescriptorSetLayout setLayout) in _layouts.Values)
        {
            vk.DestroyPipelineLayout(_device.Handle, layout, null);
            vk.DestroyDescriptorSetLayout(_device.Handle, setLayout, null);
        }
        vk.DestroyPipelineCache(_device.Handle, _cache, null);
    }
}
