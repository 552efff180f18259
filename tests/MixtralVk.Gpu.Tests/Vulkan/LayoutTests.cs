using MixtralVk.Testing;

namespace MixtralVk.Gpu.Tests.Vulkan;

/// <summary>Every struct of the binding against a C compiler's view of the Vulkan headers: here if there is a compiler, else as
/// committed in layouts.txt.</summary>
public sealed class LayoutTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "MixtralVk.Gpu.Tests", "Vulkan");

    [Fact]
    public void Structs_are_laid_out_as_in_the_committed_output_of_the_C_program()
    {
        string[] expected = File.ReadLines(Path.Combine(Folder, "layouts.txt")).Where(l => l[0] != '#').ToArray();
        Assert.Equal(expected, GeneratedLayouts.All.Select(l => l.ToString()));
    }

    [FactWithCompiler]
    public void Structs_are_laid_out_as_the_C_compiler_of_this_machine_sees_them()
    {
        string program = Path.Combine(Path.GetTempPath(), $"layouts-{Guid.NewGuid():N}");
        try
        {
            InstalledVulkan.Run("cc", "-I", InstalledVulkan.IncludeFolder!, Path.Combine(Folder, "layouts.c"), "-o", program);
            IEnumerable<string> expected = InstalledVulkan.Run(program).Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l[0] != '#');
            Assert.Equal(expected, GeneratedLayouts.All.Select(l => l.ToString()));
        }
        finally
        {
            File.Delete(program);
        }
    }

    private sealed class FactWithCompilerAttribute : FactAttribute
    {
        public FactWithCompilerAttribute()
        {
            if (!InstalledVulkan.HasCompiler || InstalledVulkan.IncludeFolder == null)
            {
                Skip = "No C compiler or no Vulkan headers here; the committed layouts.txt is compared instead.";
            }
        }
    }
}
