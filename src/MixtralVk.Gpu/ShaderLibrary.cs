using System.Collections.Concurrent;
using System.Reflection;

namespace MixtralVk.Gpu;

/// <summary>SPIR-V modules by name: the resources an assembly embeds through <c>shaders/Shaders.targets</c>. Thread-safe.</summary>
public sealed class ShaderLibrary
{
    private readonly ConcurrentDictionary<string, byte[]> _modules = new();

    /// <summary>Reads every module of the assemblies; the resource name, which has no extension, is the shader's name.</summary>
    public ShaderLibrary(params ReadOnlySpan<Assembly> assemblies)
    {
        foreach (Assembly assembly in assemblies)
            foreach (string name in assembly.GetManifestResourceNames().Where(name => !Path.HasExtension(name)))
            {
                using Stream stream = assembly.GetManifestResourceStream(name)!;
                byte[] bytes = new byte[stream.Length];
                stream.ReadExactly(bytes);
                _modules[name] = bytes;
            }
    }

    /// <summary>Names of all modules.</summary>
    public IEnumerable<string> Names => _modules.Keys;

    /// <summary>The SPIR-V of a module; throws <see cref="KeyNotFoundException"/> for an unknown name.</summary>
    public ReadOnlySpan<byte> this[string name] =>
        _modules.TryGetValue(name, out byte[]? module) ? module : throw new KeyNotFoundException($"There is no shader {name}.");

    /// <summary>Adds a module made at run time under a name that is not taken yet.</summary>
    public void Add(string name, byte[] spirv)
    {
        ArgumentNullException.ThrowIfNull(spirv);
        if (!_modules.TryAdd(name, spirv)) throw new ArgumentException($"There is a shader {name} already.", nameof(name));
    }
}
