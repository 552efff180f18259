using BindingsGen;
using MixtralVk.Testing;

namespace MixtralVk.Gpu.Tests.Vulkan;

/// <summary>The committed files are what BindingsGen makes of the registry they name.</summary>
public sealed class RegenerationTests
{
    [FactWithSameRegistry]
    public void Installed_registry_gives_the_committed_files_byte_for_byte()
    {
        string made = Directory.CreateTempSubdirectory("bindings-").FullName;
        try
        {
            string commands = Path.Combine(Repository.Root, "tools", "BindingsGen", "commands.txt");
            BindingsGen.Program.Generate(InstalledVulkan.Registry!, commands, made, made);

            string[] committed = CommittedFiles("src", "MixtralVk.Gpu", "Vulkan").Concat(CommittedFiles("tests", "MixtralVk.Gpu.Tests", "Vulkan")).ToArray();
            Assert.Equal(committed.Select(Path.GetFileName).Order(), Directory.GetFiles(made).Select(Path.GetFileName).Order());
            foreach (string file in committed)
            {
                // Git may have given the committed file the line ends of this machine.
                Assert.Equal(File.ReadAllText(file).ReplaceLineEndings("\n"), File.ReadAllText(Path.Combine(made, Path.GetFileName(file))));
            }
        }
        finally
        {
            Directory.Delete(made, recursive: true);
        }
    }

    private static IEnumerable<string> CommittedFiles(params string[] folder) =>
        Directory.GetFiles(Path.Combine([Repository.Root, .. folder]))
            .Where(f => f.EndsWith(".g.cs", StringComparison.Ordinal) || f.EndsWith(".c", StringComparison.Ordinal));

    private sealed class FactWithSameRegistryAttribute : FactAttribute
    {
        public FactWithSameRegistryAttribute()
        {
            if (InstalledVulkan.Registry is not string path)
            {
                Skip = "No Vulkan registry (vk.xml) is installed here.";
            }
            else if (Registry.Load(path, new HashSet<string>()).Version is string version && version != GeneratedLayouts.RegistryVersion)
            {
                Skip = $"The registry installed here is {version}, the committed files are of {GeneratedLayouts.RegistryVersion}.";
            }
        }
    }
}
