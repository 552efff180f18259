using Silk.NET.Vulkan;
using VkBufferView = Silk.NET.Vulkan.BufferView;

namespace MixtralVk.Gpu;

/// <summary>The texel-buffer views of a recording: one for each range and kind.</summary>
internal sealed unsafe class TexelViews(GpuDevice device) : IDisposable
{
    /// <summary>Bytes of a texel: four words.</summary>
    public const uint TexelBytes = 16;

    private readonly Dictionary<(BufferView, BindingKind), VkBufferView> _views = [];

    /// <summary>The view of a range, cut to the device's limit.</summary>
    public VkBufferView Get(BufferView range, BindingKind kind)
    {
        if (_views.TryGetValue((range, kind), out VkBufferView view)) return view;
        ulong bytes = Math.Max(TexelBytes,
            Math.Min(range.Length, (ulong)device.Limits.MaxTexelBufferElements * TexelBytes) / TexelBytes * TexelBytes);
        var info = new BufferViewCreateInfo(buffer: range.Buffer.Block.Buffer, offset: Recording.Absolute(range), range: bytes,
            format: kind == BindingKind.UintTexels ? Format.R32G32B32A32Uint : Format.R32G32B32A32Sfloat);
        device.Vk.CreateBufferView(device.Handle, &info, null, &view).ThrowOnError("vkCreateBufferView");
        device.Names.Set(ObjectType.BufferView, view.Handle, $"{range.Buffer.Name} as {kind}");
        _views.Add((range, kind), view);
        return view;
    }

    public void Dispose()
    {
        foreach (VkBufferView view in _views.Values) device.Vk.DestroyBufferView(device.Handle, view, null);
        _views.Clear();
    }
}

internal static class BindingKinds
{
    /// <summary>The descriptor a kind of binding is made of.</summary>
    public static DescriptorType ToDescriptorType(this BindingKind kind) => kind switch
    {
        BindingKind.Storage => DescriptorType.StorageBuffer,
        BindingKind.Uniform => DescriptorType.UniformBuffer,
        BindingKind.UintTexels or BindingKind.FloatTexels => DescriptorType.UniformTexelBuffer,
    };
}
