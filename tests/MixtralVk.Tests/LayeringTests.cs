using System.Reflection;
using System.Text.RegularExpressions;
using MixtralVk.Gpu;
using MixtralVk.Model.Vulkan;
using MixtralVk.Testing;

namespace MixtralVk.Tests;

/// <summary>The three borders of docs/design.md.</summary>
public partial class LayeringTests
{
    private static readonly string _sources = Path.Combine(Repository.Root, "src", "MixtralVk");

    [Fact]
    public void No_vulkan_handle_leaves_the_gpu_layer()
    {
        const BindingFlags all = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        IEnumerable<Type> types =
            typeof(GpuDevice).Assembly.GetExportedTypes().SelectMany(type => type.GetMembers(all).SelectMany(TypesOf));
        Assert.DoesNotContain(types, type => type.FullName?.Contains("Silk.NET", StringComparison.Ordinal) == true);
        Assert.DoesNotContain(SourcesOutside(""), file => File.ReadAllText(file).Contains("Silk.NET", StringComparison.Ordinal));
    }

    [Fact]
    public void No_shader_name_leaves_the_kernels_folder()
    {
        string[] names = [.. VulkanForwardPass.Shaders.Names.Select(name => $"\"{name}\"")];
        Assert.NotEmpty(names);
        foreach (string file in SourcesOutside("Kernels"))
        {
            string text = File.ReadAllText(file);
            Assert.DoesNotContain(names, name => text.Contains(name, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void No_checkpoint_tensor_name_leaves_the_folders_of_files()
    {
        Assert.Contains(Directory.EnumerateFiles(Path.Combine(_sources, "Loading")), file => TensorName().IsMatch(File.ReadAllText(file)));
        foreach (string file in SourcesOutside("Loading")
            .Where(file => !file.StartsWith(Path.Combine(_sources, "Conversion") + Path.DirectorySeparatorChar, StringComparison.Ordinal)))
            Assert.False(TensorName().IsMatch(File.ReadAllText(file)), $"{file} names a tensor.");
    }

    private static IEnumerable<string> SourcesOutside(string folder) =>
        Directory.EnumerateFiles(_sources, "*.cs", SearchOption.AllDirectories)
            .Where(file => Path.GetRelativePath(_sources, file).Split(Path.DirectorySeparatorChar)[0] is var top && top != folder
            && top is not ("bin" or "obj"));

    private static IEnumerable<Type> TypesOf(MemberInfo member) => member switch
    {
        MethodInfo method => [method.ReturnType, .. method.GetParameters().Select(p => p.ParameterType)],
        ConstructorInfo constructor => constructor.GetParameters().Select(p => p.ParameterType),
        PropertyInfo property => [property.PropertyType],
        FieldInfo field => [field.FieldType],
        _ => [],
    };

    [GeneratedRegex(@"""[^""\n]*(token_embd|attn_(q|k|v|output|norm)|ffn_(gate|up|down|norm)|output_norm)")]
    private static partial Regex TensorName();
}
