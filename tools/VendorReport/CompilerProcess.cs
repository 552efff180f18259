using System.Diagnostics;
using System.Text.Json;

namespace VendorReport;

/// <summary>Compiles a target in a process of its own, as the environment chooses the driver.</summary>
internal static class CompilerProcess
{
    /// <summary>Compiles, or reads what an earlier call kept; throws with what the compiler's process said where it failed.</summary>
    public static async Task<CompiledTarget> Run(Target target, string? tree, bool all, string? keep)
    {
        string? kept = keep is null ? null : Path.Combine(keep, target.Id + ".json");
        string json = File.Exists(kept)
            ? await File.ReadAllTextAsync(kept).ConfigureAwait(false) : await Compile(target, tree, all).ConfigureAwait(false);
        if (kept is not null)
        {
            Directory.CreateDirectory(keep!);
            await File.WriteAllTextAsync(kept, json).ConfigureAwait(false);
        }
        return JsonSerializer.Deserialize(json, CompiledJson.Default.CompiledTarget)!;
    }

    private static async Task<string> Compile(Target target, string? tree, bool all)
    {
        string[] arguments =
            [Environment.ProcessPath!, typeof(CompilerProcess).Assembly.Location, "compile", target.Id, .. all ? (string[])["--all"] : []];
        ProcessStartInfo start = target.NeedsTree ? InTree(target, tree!, arguments) : Installed(target, arguments);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string answer = await process.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        if (process.ExitCode != 0)
            throw new InvalidOperationException(
                $"Compiling for {target.Id} failed ({process.ExitCode}): {(await errors.ConfigureAwait(false)).Trim()}");
        return answer;
    }

    /// <summary>With the installed Mesa: its driver alone, on a device that only compiles.</summary>
    private static ProcessStartInfo Installed(Target target, string[] arguments)
    {
        var start = new ProcessStartInfo(arguments[0], arguments[1..]);
        string icd = Directory.GetFiles("/usr/share/vulkan/icd.d", $"{target.Driver}_icd*.json").FirstOrDefault()
            ?? throw new FileNotFoundException($"Mesa's {target.Driver} Vulkan driver is not installed.");
        foreach ((string name, string value) in Environments(target, icd)) start.Environment[name] = value;
        return start;
    }

    /// <summary>
    /// Inside the tree (a Linux system with Mesa's drivers and, in /shim, Mesa's drm-shim), whose libraries are not this system's: a mount
    /// namespace shows it /proc, the .NET runtime and this program, chroot enters it, and the shim is preloaded.
    /// </summary>
    private static ProcessStartInfo InTree(Target target, string tree, string[] arguments)
    {
        string runtime = Path.GetDirectoryName(arguments[0])!, program = Path.GetDirectoryName(arguments[1])!;
        const string script = """
            set -e
            tree=$1 runtime=$2 program=$3
            shift 3
            mkdir -p "$tree/mnt/dotnet" "$tree/mnt/program"
            mount --rbind /proc "$tree/proc"
            mount --bind "$runtime" "$tree/mnt/dotnet"
            mount --bind "$program" "$tree/mnt/program"
            exec chroot "$tree" env -i "$@"
            """;
        var start = new ProcessStartInfo("unshare", ["--mount", "sh", "-c", script, "sh", tree, runtime, program]);
        foreach ((string name, string value) in Environments(target, $"/usr/share/vulkan/icd.d/{target.Driver}_icd.json"))
            start.ArgumentList.Add($"{name}={value}");
        start.ArgumentList.Add($"LD_PRELOAD=/shim/lib{target.Driver}_noop_drm_shim.so");
        start.ArgumentList.Add("/mnt/dotnet/dotnet");
        start.ArgumentList.Add($"/mnt/program/{Path.GetFileName(arguments[1])}");
        foreach (string argument in arguments[2..]) start.ArgumentList.Add(argument);
        return start;
    }

    private static IEnumerable<(string Name, string Value)> Environments(Target target, string icd) =>
    [
        ("VK_DRIVER_FILES", icd), ("VK_ICD_FILENAMES", icd), (target.Variable, target.Model),
        // What the cache holds has no statistics.
        ("MESA_SHADER_CACHE_DISABLE", "true"), ("HOME", "/tmp"), ("XDG_RUNTIME_DIR", "/tmp"), ("PATH", "/usr/bin:/bin"),
        ("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1"),
    ];
}
