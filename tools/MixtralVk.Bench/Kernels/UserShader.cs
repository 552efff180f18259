using MixtralVk.Gpu;
using MixtralVk.Testing.Kernels;

namespace MixtralVk.Bench;

/// <summary>A user's GLSL file compiled to stand in for one of our kernels.</summary>
/// <param name="FileName">Name of the file.</param>
/// <param name="Kernel">Name of the kernel it stands in for.</param>
/// <param name="ModuleName">Name of this compilation among the shaders.</param>
/// <param name="Spirv">The optimised module.</param>
internal sealed record UserShader(string FileName, string Kernel, string ModuleName, byte[] Spirv)
{
    private static readonly ShaderLibrary Ours = new(typeof(KernelCase).Assembly); // unoptimised: with names and what is not used
    private static int _compilations;

    /// <summary>Names of the kernels a shader can stand in for.</summary>
    public static IEnumerable<string> Kernels => Ours.Names.Order();

    /// <summary>
    /// Compiles a file. Throws <see cref="BenchException"/> with the compiler's lines, with what of the interface differs, or naming the
    /// kernels there are.
    /// </summary>
    /// <param name="compiler">The compiler.</param>
    /// <param name="path">The GLSL file.</param>
    /// <param name="kernel">The kernel; null takes the one with the file's name.</param>
    public static UserShader Compile(ShaderCompiler compiler, string path, string? kernel)
    {
        string stem = Path.GetFileNameWithoutExtension(path);
        string[] named = [.. Kernels.Where(name => kernel is null ? name.EndsWith($"/{stem}", StringComparison.Ordinal) : name == kernel
            || name.EndsWith($"/{kernel}", StringComparison.Ordinal))];
        if (named.Length != 1)
        {
            string problem = kernel is null
                ? $"No kernel is called {stem}: say with --kernel which one the shader stands in for" : $"There is no kernel {kernel}";
            throw new BenchException($"{problem}; there are {string.Join(", ", Kernels)}.");
        }
        string[] differences =
            [.. Differences(new ShaderInterface(Ours[named[0]]), new ShaderInterface(compiler.Compile(path, optimize: false)))];
        if (differences.Length > 0)
            throw new BenchException($"{path} does not have the interface of {named[0]}.", [.. differences.Select(d => $"{path}: {d}")]);
        return new UserShader(Path.GetFileName(path), named[0], $"{stem} #{++_compilations}", compiler.Compile(path, optimize: true));
    }

    /// <summary>What the user's shader asks for and does not get, one sentence each. It may leave out what it has no use for.</summary>
    internal static IEnumerable<string> Differences(ShaderInterface ours, ShaderInterface user)
    {
        foreach (ShaderBuffer buffer in user.Buffers)
        {
            ShaderBuffer? same = ours.Buffers.FirstOrDefault(b => b.Binding == buffer.Binding);
            if (same is null)
                yield return $"binding {buffer.Binding} ({buffer.Name}): the kernel has the bindings {string.Join(", ", ours.Buffers.Select(b => $"{b.Binding} {b.Name}"))}";
            else if ((buffer.Access & ~same.Access) != 0)
                yield return $"binding {buffer.Binding} ({buffer.Name}): declare it {Qualifier(same.Access)}, as {same.Name} is only {Verb(same.Access)}";
        }
        foreach (ShaderConstant constant in user.Constants)
        {
            ShaderConstant? same = ours.Constants.FirstOrDefault(c => c.Id == constant.Id);
            if (same is null)
                yield return $"constant_id {constant.Id} ({constant.Name}): the kernel has {string.Join(", ", ours.Constants.Select(c => $"{c.Id} {c.Name ?? "(workgroup size)"}").Distinct())}";
            else if (same.IsBool != constant.IsBool)
                yield return $"constant_id {constant.Id} ({constant.Name}): it is {(same.IsBool ? "a bool" : "not a bool")} ({same.Name})";
        }
        foreach (ShaderPush push in user.Push)
        {
            ShaderPush? same = ours.Push.FirstOrDefault(p => p.Offset == push.Offset);
            if (same is null)
                yield return $"push constant {push.Name} at byte {push.Offset}: the kernel has {(ours.Push.Count == 0 ? "none" : string.Join(", ", ours.Push.Select(p => $"{p.Offset} {p.Name}")))}";
            else if (same.IsFloat != push.IsFloat)
                yield return $"push constant {push.Name} at byte {push.Offset}: it is {(same.IsFloat ? "a float" : "a uint")} ({same.Name})";
        }
    }

    private static string Qualifier(BufferAccess access) => access == BufferAccess.Read ? "readonly" : "writeonly";

    private static string Verb(BufferAccess access) => access == BufferAccess.Read ? "read" : "written";
}
