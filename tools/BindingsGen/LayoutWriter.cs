namespace BindingsGen;

/// <summary>The table of struct sizes and field offsets, as C# sees them, that a test compares with a C compiler's.</summary>
internal static class LayoutWriter
{
    public static void Write(Registry registry, Selection selection, string path)
    {
        var writer = new Writer(registry, "using Silk.NET.Vulkan;", "", "namespace MixtralVk.Gpu.Tests.Vulkan;", "");
        writer.Open("internal static unsafe class GeneratedLayouts");
        writer.Line($"public const string RegistryVersion = \"{registry.Version}\";");
        writer.Line();
        writer.Line("public static readonly StructLayout[] All =");
        writer.Line("[");
        foreach (StructType type in StructWriter.Selected(registry, selection))
        {
            string name = Names.Type(type.Name);
            writer.Line($"    new(\"{type.Name}\", sizeof({name}),");
            writer.Line("    [");
            foreach (Member member in type.Members)
            {
                // A fixed buffer is its own address already.
                string address = member.Type.Length > 0 && new TypeText(registry, selection).IsPrimitive(member.Type) ? "" : "&";
                writer.Line($"        (\"{member.Name}\", (int)(nint)({address}(({name}*)null)->{Names.Field(member.Name)})),");
            }

            writer.Line("    ]),");
        }

        writer.Line("];");
        writer.Close();
        writer.Save(path);
    }
}
