namespace Silk.NET.Shaderc;

// The types of Silk.NET.Shaderc that the shader bench uses, with the numbers of libshaderc's headers.

internal struct Compiler;

internal struct CompileOptions;

internal struct CompilationResult;

internal enum TargetEnv
{
    Vulkan = 0,
}

internal enum EnvVersion
{
    Vulkan13 = 1 << 22 | 3 << 12,
}

internal enum OptimizationLevel
{
    Zero = 0,
    Size = 1,
    Performance = 2,
}

internal enum ShaderKind
{
    ComputeShader = 2,
}

internal enum CompilationStatus
{
    Success = 0,
}

/// <summary>An included file; one without a name is an error whose message is the content.</summary>
internal unsafe struct IncludeResult
{
    public byte* SourceName;
    public nuint SourceNameLength;
    public byte* Content;
    public nuint ContentLength;
    public void* UserData;
}

/// <summary>Arguments: user data, requested name, kind, name of the file that includes it, depth.</summary>
internal readonly unsafe struct PfnIncludeResolveFn(delegate* unmanaged[Cdecl]<void*, byte*, int, byte*, nuint, IncludeResult*> function)
{
    public delegate* unmanaged[Cdecl]<void*, byte*, int, byte*, nuint, IncludeResult*> Handle { get; } = function;
}

/// <summary>Arguments: user data, what the resolver gave.</summary>
internal readonly unsafe struct PfnIncludeResultReleaseFn(delegate* unmanaged[Cdecl]<void*, IncludeResult*, void> function)
{
    public delegate* unmanaged[Cdecl]<void*, IncludeResult*, void> Handle { get; } = function;
}
