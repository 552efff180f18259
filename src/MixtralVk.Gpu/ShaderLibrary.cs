using System.Collections.Frozen;
using System.Reflection;

namespace MixtralVk.Gpu;

/// <summary>SPIR-V modules by name: the resources an assembly embeds through <c>shaders/Shaders.targets</c>.</summary>
public sealed class ShaderLibrary
{
    private readonly FrozenDictionary<string, byte[]> _modules;

    /// <summary>Reads every module of <paramref name="assembly"/>; the resource name is the shader's name.</summary>
    public ShaderLibrary(Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        _modules = assembly.GetManifestResourceNames().ToFrozenDictionary(name => name, name =>
        {
            using Stream stream = assembly.GetManifestResourceStream(name)!;
            byte[] bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        });
    }

    /// <summary>Names of all modules.</summary>
    public IEnumerable<string> Names => _modules.Keys;

    /// <summary>The SPIR-V of a module; throws <see cref="KeyNotFoundException"/> for an unknown name.</summary>
    public ReadOnlySpan<byte> this[string name] =>
        _modules.TryGetValue(name, out byte[]? module) ? module : throw new KeyNotFoundException($"There is no shader {name}.");
}
