namespace BindingsGen;

/// <summary>Enums.g.cs.</summary>
internal static class EnumWriter
{
    public static void Write(Registry registry, Selection selection, string path)
    {
        var writer = new Writer(registry, "#nullable enable", "", "namespace Silk.NET.Vulkan;");
        var types = selection.Types.Where(registry.Enums.ContainsKey).Select(t => registry.Enums[t])
            .Concat(selection.EmptyFlags.Select(f => new EnumType(f, IsFlags: true, registry.Flags[f].Is64Bit, [])));
        foreach (EnumType type in types.OrderBy(t => t.Name, StringComparer.Ordinal))
        {
            WriteEnum(registry, type, writer);
        }

        writer.Save(path);
    }

    private static void WriteEnum(Registry registry, EnumType type, Writer writer)
    {
        var values = type.Values.OrderBy(v => v.Value < 0).ThenBy(v => Math.Abs(v.Value))
            .Select(v => (Name: Names.EnumValue(type.Name, v.Name, registry.Authors), v.Value)).ToList();
        if (type.IsFlags && values.All(v => v.Name != "None"))
        {
            values.Insert(0, ("None", 0));
        }

        writer.Line();
        writer.Line($"/// <summary>{type.Name}</summary>");
        if (type.IsFlags)
        {
            writer.Line("[global::System.Flags]");
        }

        writer.Open($"internal enum {Names.Type(type.Name)} : {(type.Is64Bit ? "long" : "int")}");
        foreach ((string name, long value) in values)
        {
            writer.Line($"{name} = {(type.Is64Bit ? value : unchecked((int)value))},");
        }

        writer.Close();
    }
}
