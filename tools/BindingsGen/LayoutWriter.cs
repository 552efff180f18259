namespace BindingsGen;

/// <summary>What the layout test needs: the sizes and offsets C# sees (GeneratedLayouts.g.cs) and a C program that prints those a C
/// compiler sees (layouts.c).</summary>
internal sealed class LayoutWriter(Registry registry, Selection selection, TypeText text)
{
    private const string CommandLine =
        "cc tests/MixtralVk.Gpu.Tests/Vulkan/layouts.c -o layouts && ./layouts > tests/MixtralVk.Gpu.Tests/Vulkan/layouts.txt";

    public void WriteTable(string path)
    {
        var writer = new Writer(registry, "#nullable enable", "", "using Silk.NET.Vulkan;", "", "namespace MixtralVk.Gpu.Tests.Vulkan;", "");
        writer.Open("internal static unsafe class GeneratedLayouts");
        writer.Line($"public const string RegistryVersion = \"{registry.Version}\";");
        writer.Line();
        writer.Line("public static readonly StructLayout[] All =");
        writer.Line("[");
        List<StructType> types = StructWriter.Selected(registry, selection).ToList();
        types.ForEach(t => writer.Line($"    {Names.Type(t.Name)}(),"));
        writer.Line("];");
        types.ForEach(t => WriteMethod(t, writer));
        writer.Close();
        writer.Save(path);
    }

    private void WriteMethod(StructType type, Writer writer)
    {
        string name = Names.Type(type.Name);
        writer.Line();
        writer.Open($"private static StructLayout {name}()");
        writer.Line($"{name} s = default;");
        writer.Line($"return new(\"{type.Name}\", sizeof({name}),");
        writer.Line("[");
        foreach (Member member in type.Members)
        {
            // A fixed buffer is its own address already.
            string address = member.Type.Length > 0 && text.IsPrimitive(member.Type) ? "" : "&";
            writer.Line($"    (\"{member.Name}\", (int)((byte*){address}s.{Names.Field(member.Name)} - (byte*)&s)),");
        }

        writer.Line("]);");
        writer.Close();
    }

    public void WriteProgram(string path)
    {
        var writer = new Writer(registry, "#include <stddef.h>", "#include <stdio.h>", "#include <vulkan/vulkan_core.h>", "",
            "_Static_assert(sizeof(void *) == 8, \"The layouts compared are those of 64-bit programs.\");", "");
        writer.Open("int main(void)");
        writer.Line("puts(\"# Struct sizes and field offsets as a 64-bit C compiler sees them. Made from the repository's root by:\");");
        writer.Line($"puts(\"#   {CommandLine}\");");
        foreach (StructType type in StructWriter.Selected(registry, selection))
        {
            writer.Line($"printf(\"{type.Name} %zu\", sizeof({type.Name}));");
            foreach (Member member in type.Members)
            {
                writer.Line($"printf(\" {member.Name}=%zu\", offsetof({type.Name}, {member.Name}));");
            }

            writer.Line("puts(\"\");");
        }

        writer.Line("return 0;");
        writer.Close();
        writer.Save(path);
    }
}
