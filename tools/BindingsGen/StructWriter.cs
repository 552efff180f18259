namespace BindingsGen;

/// <summary>Structs.g.cs and Handles.g.cs (handles and function pointers).</summary>
internal static class StructWriter
{
    public static void Write(Registry registry, Selection selection, TypeText text, string path)
    {
        var writer = new Writer(registry, "#nullable enable", "", "using System.Runtime.CompilerServices;", "using System.Runtime.InteropServices;",
            "using Silk.NET.Core;", "", "namespace Silk.NET.Vulkan;");
        foreach (StructType type in Selected(registry, selection))
        {
            WriteStruct(registry, text, type, writer);
        }

        writer.Save(path);
    }

    public static void WriteHandles(Registry registry, Selection selection, TypeText text, string path)
    {
        var writer = new Writer(registry, "#nullable enable", "", "using Silk.NET.Core;", "", "namespace Silk.NET.Vulkan;");
        foreach (string name in selection.Types.Where(registry.Handles.ContainsKey).Order(StringComparer.Ordinal))
        {
            string handle = registry.Handles[name] ? "nint" : "ulong";
            writer.Line();
            writer.Line($"/// <summary>{name}</summary>");
            writer.Open($"internal struct {Names.Type(name)}");
            writer.Line($"public {handle} Handle;");
            writer.Line();
            writer.Open($"public {Names.Type(name)}({handle}? handle = null)");
            writer.Line("Handle = handle ?? 0;");
            writer.Close();
            writer.Close();
        }

        foreach (string name in selection.Types.Where(registry.FunctionPointers.ContainsKey).Order(StringComparer.Ordinal))
        {
            FunctionPointer pointer = registry.FunctionPointers[name];
            string type = text.FunctionPointer("[Cdecl]", pointer.Parameters, pointer.Result);
            writer.Line();
            writer.Line($"/// <summary>{name}</summary>");
            writer.Open($"internal readonly unsafe struct {Names.Type(name)}");
            writer.Line($"public {Names.Type(name)}({type} ptr) => Handle = ptr;");
            writer.Line();
            writer.Line($"public {type} Handle {{ get; }}");
            writer.Close();
        }

        writer.Save(path);
    }

    public static IEnumerable<StructType> Selected(Registry registry, Selection selection) =>
        selection.Types.Where(registry.Structs.ContainsKey).Order(StringComparer.Ordinal).Select(n => registry.Structs[n]);

    private static void WriteStruct(Registry registry, TypeText text, StructType type, Writer writer)
    {
        string name = Names.Type(type.Name);
        writer.Line();
        writer.Line($"/// <summary>{type.Name}</summary>");
        if (type.IsUnion)
        {
            writer.Line("[StructLayout(LayoutKind.Explicit)]");
        }

        writer.Open($"internal unsafe struct {name}");
        foreach (Member member in type.Members)
        {
            WriteField(text, member, type.IsUnion, writer);
        }

        WriteConstructor(registry, text, name, type, writer);
        foreach (Member member in type.Members.Where(m => m.Type.Length > 0 && !text.IsPrimitive(m.Type)))
        {
            WriteInlineArray(text, member, writer);
        }

        writer.Close();
    }

    private static void WriteField(TypeText text, Member member, bool isUnion, Writer writer)
    {
        string name = Names.Field(member.Name);
        string type = text.Of(member.Type);
        string offset = isUnion ? "[FieldOffset(0)] " : "";
        writer.Line(member.Type.Length == 0 ? $"{offset}public {type} {name};"
            : text.IsPrimitive(member.Type) ? $"{offset}public fixed {type} {name}[{member.Type.Length}];"
            : $"{offset}public {name}Buffer {name};");
    }

    private static void WriteConstructor(Registry registry, TypeText text, string name, StructType type, Writer writer)
    {
        List<Member> members = type.Members.Where(m => m.Type.Length == 0).ToList();
        if (members.Count == 0)
        {
            return;
        }

        writer.Line();
        writer.Line($"public {name}(");
        for (int i = 0; i < members.Count; i++)
        {
            Member member = members[i];
            string fieldType = text.Of(member.Type) + (member.Type.Pointers > 0 ? "" : "?");
            string value = member.Value == null ? "null"
                : "Silk.NET.Vulkan.StructureType." + Names.EnumValue("VkStructureType", member.Value, registry.Authors);
            string end = i == members.Count - 1 ? ") : this()" : ",";
            writer.Line($"    {fieldType} {Names.ConstructorParameter(member.Name)} = {value}{end}");
        }

        writer.Open();
        foreach (Member member in members)
        {
            string parameter = Names.ConstructorParameter(member.Name);
            string field = Names.Field(member.Name);
            writer.Line(member.Type.Pointers > 0
                ? $"{field} = {parameter};"
                : $"if ({parameter}.HasValue) {field} = {parameter}.Value;");
        }

        writer.Close();
    }

    private static void WriteInlineArray(TypeText text, Member member, Writer writer)
    {
        string type = text.Of(member.Type);
        writer.Line();
        writer.Line($"[InlineArray({member.Type.Length})]");
        writer.Open($"internal struct {Names.Field(member.Name)}Buffer");
        writer.Line($"public {type} Element0;");
        writer.Line();
        writer.Line("[global::System.Diagnostics.CodeAnalysis.UnscopedRef]");
        writer.Line($"public global::System.Span<{type}> AsSpan() => MemoryMarshal.CreateSpan(ref Element0, {member.Type.Length});");
        writer.Close();
    }
}
