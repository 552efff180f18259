// A NativeAOT program, so that nothing in the library may need run-time code generation.
using MixtralVk;

Console.WriteLine($"MixtralVk {typeof(MixtralException).Assembly.GetName().Version?.ToString(3)}");
