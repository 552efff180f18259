using System.Diagnostics;

namespace MixtralVk.Gpu.Tests.Vulkan;

/// <summary>Vulkan's headers and registry as installed here, from the system's packages or an SDK; null where there are none.</summary>
internal static class InstalledVulkan
{
    public static string? IncludeFolder { get; } =
        Roots.Select(r => Path.Combine(r, "include")).FirstOrDefault(f => File.Exists(Path.Combine(f, "vulkan", "vulkan_core.h")));

    public static string? Registry { get; } =
        Roots.Select(r => Path.Combine(r, "share", "vulkan", "registry", "vk.xml")).FirstOrDefault(File.Exists);

    /// <summary>Whether a C compiler answers under the name cc.</summary>
    public static bool HasCompiler { get; } = !OperatingSystem.IsWindows() && Environment.GetEnvironmentVariable("PATH") is string path
        && path.Split(':').Any(folder => File.Exists(Path.Combine(folder, "cc")));

    private static IEnumerable<string> Roots =>
        Environment.GetEnvironmentVariable("VULKAN_SDK") is string sdk ? [sdk, "/usr", "/usr/local"] : ["/usr", "/usr/local"];

    /// <summary>Runs a program to its end and gives what it wrote; a failure is an exception with what it complained of.</summary>
    public static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output
            : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {errors.Result}");
    }
}
