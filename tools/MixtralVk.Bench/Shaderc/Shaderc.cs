using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Silk.NET.Shaderc;

/// <summary>
/// The functions of libshaderc that the shader bench calls, in the shape of Silk.NET.Shaderc's Shaderc, whose package is not on every feed.
/// C header: github.com/google/shaderc, shaderc.h.
/// </summary>
[SuppressMessage("Naming", "CA1724", Justification = "Silk.NET's name.")]
internal sealed unsafe class Shaderc : IDisposable
{
    private readonly nint _library;

    private Shaderc(nint library) => _library = library;

    // Linux: libshaderc1 or libshaderc-dev; Windows and macOS: the Vulkan SDK, which puts its folder on the path.
    private static string[] FileNames =>
        OperatingSystem.IsWindows() ? ["shaderc_shared.dll", "shaderc_shared"]
        : OperatingSystem.IsMacOS() ? ["libshaderc_shared.1.dylib", "libshaderc_shared.dylib"]
        : ["libshaderc.so.1", "libshaderc_shared.so.1", "libshaderc.so", "libshaderc_shared.so"];

    /// <exception cref="FileNotFoundException">The machine has no libshaderc.</exception>
    public static Shaderc GetApi()
    {
        foreach (string name in FileNames)
            if (NativeLibrary.TryLoad(name, out nint library)) return new Shaderc(library);
        throw new FileNotFoundException($"Could not load libshaderc: none of {string.Join(", ", FileNames)} was found.");
    }

    public Compiler* CompilerInitialize() => ((delegate* unmanaged<Compiler*>)Find("shaderc_compiler_initialize"))();

    public void CompilerRelease(Compiler* compiler) => ((delegate* unmanaged<Compiler*, void>)Find("shaderc_compiler_release"))(compiler);

    public CompileOptions* CompileOptionsInitialize() =>
        ((delegate* unmanaged<CompileOptions*>)Find("shaderc_compile_options_initialize"))();

    public void CompileOptionsRelease(CompileOptions* options) =>
        ((delegate* unmanaged<CompileOptions*, void>)Find("shaderc_compile_options_release"))(options);

    public void CompileOptionsSetTargetEnv(CompileOptions* options, TargetEnv target, uint version) =>
        ((delegate* unmanaged<CompileOptions*, TargetEnv, uint, void>)Find("shaderc_compile_options_set_target_env"))(options, target,
            version);

    public void CompileOptionsSetOptimizationLevel(CompileOptions* options, OptimizationLevel level) =>
        ((delegate* unmanaged<CompileOptions*, OptimizationLevel, void>)Find("shaderc_compile_options_set_optimization_level"))(options,
            level);

    public void CompileOptionsSetIncludeCallbacks(CompileOptions* options, PfnIncludeResolveFn resolver,
        PfnIncludeResultReleaseFn resultReleaser, void* userData) =>
        ((delegate* unmanaged<CompileOptions*, void*, void*, void*, void>)Find("shaderc_compile_options_set_include_callbacks"))(
            options, resolver.Handle, resultReleaser.Handle, userData);

    public CompilationResult* CompileIntoSpv(Compiler* compiler, byte* sourceText, nuint sourceTextSize, ShaderKind shaderKind,
        byte* inputFileName,
        byte* entryPointName, CompileOptions* additionalOptions) =>
        ((delegate* unmanaged<Compiler*, byte*, nuint, ShaderKind, byte*, byte*, CompileOptions*, CompilationResult*>)Find(
            "shaderc_compile_into_spv"))(
            compiler, sourceText, sourceTextSize, shaderKind, inputFileName, entryPointName, additionalOptions);

    public void ResultRelease(CompilationResult* result) =>
        ((delegate* unmanaged<CompilationResult*, void>)Find("shaderc_result_release"))(result);

    public CompilationStatus ResultGetCompilationStatus(CompilationResult* result) =>
        ((delegate* unmanaged<CompilationResult*, CompilationStatus>)Find("shaderc_result_get_compilation_status"))(result);

    public nuint ResultGetLength(CompilationResult* result) =>
        ((delegate* unmanaged<CompilationResult*, nuint>)Find("shaderc_result_get_length"))(result);

    public byte* ResultGetBytes(CompilationResult* result) =>
        ((delegate* unmanaged<CompilationResult*, byte*>)Find("shaderc_result_get_bytes"))(result);

    public byte* ResultGetErrorMessage(CompilationResult* result) =>
        ((delegate* unmanaged<CompilationResult*, byte*>)Find("shaderc_result_get_error_message"))(result);

    public void Dispose() => NativeLibrary.Free(_library);

    private void* Find(string name) => (void*)NativeLibrary.GetExport(_library, name);
}
