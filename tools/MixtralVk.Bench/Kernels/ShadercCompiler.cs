using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Silk.NET.Shaderc;

namespace MixtralVk.Bench;

/// <summary>Compiles with libshaderc.</summary>
internal sealed unsafe class ShadercCompiler : ShaderCompiler
{
    private readonly Shaderc _api;
    private readonly Compiler* _compiler;

    private ShadercCompiler(Shaderc api)
    {
        _api = api;
        _compiler = api.CompilerInitialize();
    }

    /// <summary>The compiler, or null where libshaderc is missing or cannot be loaded.</summary>
    public static ShadercCompiler? TryLoad()
    {
        try
        {
            return new ShadercCompiler(Shaderc.GetApi());
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public override byte[] Compile(string path, bool optimize)
    {
        byte[] source = File.ReadAllBytes(path), name = Terminated(path), entryPoint = Terminated("main");
        var includes = new Includes(Path.GetDirectoryName(Path.GetFullPath(path))!);
        GCHandle handle = GCHandle.Alloc(includes);
        CompileOptions* options = _api.CompileOptionsInitialize();
        try
        {
            _api.CompileOptionsSetTargetEnv(options, TargetEnv.Vulkan, (uint)EnvVersion.Vulkan13);
            _api.CompileOptionsSetOptimizationLevel(options, optimize ? OptimizationLevel.Performance : OptimizationLevel.Zero);
            _api.CompileOptionsSetIncludeCallbacks(options, new PfnIncludeResolveFn(&Resolve), new PfnIncludeResultReleaseFn(&Release),
                (void*)GCHandle.ToIntPtr(handle));
            fixed (byte* text = source, file = name, main = entryPoint)
                return Take(_api.CompileIntoSpv(_compiler, text, (nuint)source.Length, ShaderKind.ComputeShader, file, main, options),
                    path);
        }
        finally
        {
            _api.CompileOptionsRelease(options);
            handle.Free();
        }
    }

    private byte[] Take(CompilationResult* result, string path)
    {
        try
        {
            if (_api.ResultGetCompilationStatus(result) != CompilationStatus.Success)
                throw Refused(path, Marshal.PtrToStringUTF8((nint)_api.ResultGetErrorMessage(result))!);
            return new ReadOnlySpan<byte>(_api.ResultGetBytes(result), checked((int)_api.ResultGetLength(result))).ToArray();
        }
        finally
        {
            _api.ResultRelease(result);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _api.CompilerRelease(_compiler);
        _api.Dispose();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static IncludeResult* Resolve(void* user, byte* requested, int kind, byte* requesting, nuint depth)
    {
        var includes = (Includes)GCHandle.FromIntPtr((nint)user).Target!;
        string wanted = Marshal.PtrToStringUTF8((nint)requested)!, asking = Marshal.PtrToStringUTF8((nint)requesting)!;
        (string name, byte[] content) = includes.Find(wanted, asking);
        var result = (IncludeResult*)NativeMemory.AllocZeroed((nuint)sizeof(IncludeResult));
        result->SourceName = Copy(Encoding.UTF8.GetBytes(name), out result->SourceNameLength);
        result->Content = Copy(content, out result->ContentLength);
        return result;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(void* user, IncludeResult* result)
    {
        NativeMemory.Free(result->SourceName);
        NativeMemory.Free(result->Content);
        NativeMemory.Free(result);
    }

    private static byte* Copy(byte[] bytes, out nuint length)
    {
        length = (nuint)bytes.Length;
        var copy = (byte*)NativeMemory.AllocZeroed(length + 1);
        bytes.CopyTo(new Span<byte>(copy, bytes.Length));
        return copy;
    }

    private static byte[] Terminated(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    private sealed class Includes(string folder)
    {
        /// <summary>Name and content of what was asked for; an empty name with the reason where there is no such file.</summary>
        public (string Name, byte[] Content) Find(string wanted, string asking)
        {
            string? beside = asking.StartsWith(EmbeddedPrefix, StringComparison.Ordinal)
                ? null : Path.GetDirectoryName(Path.GetFullPath(asking));
            try
            {
                foreach (string above in Above(beside).Concat(Above(folder)))
                    if (File.Exists(Path.Combine(above, wanted)))
                        return (Path.Combine(above, wanted), File.ReadAllBytes(Path.Combine(above, wanted)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return ("", Encoding.UTF8.GetBytes(e.Message));
            }
            return Embedded(wanted) is { } content ? (EmbeddedPrefix + wanted, content)
                : ("", Encoding.UTF8.GetBytes($"there is no {wanted} beside the file, in a folder above it or among the engine's shaders"));
        }
    }
}
