using System.Globalization;
using System.Xml.Linq;

namespace BindingsGen;

/// <summary>A C type as a member or parameter has it: base name, number of stars, and the fixed array length (0: none).</summary>
internal sealed record CType(string Name, int Pointers, int Length);

internal sealed record Member(string Name, CType Type, string? Value);

internal sealed record StructType(string Name, bool IsUnion, IReadOnlyList<Member> Members);

internal sealed record FunctionPointer(string Name, CType Result, IReadOnlyList<CType> Parameters);

/// <summary>A flags type; Bits names its enum of bits, null where none are defined yet.</summary>
internal sealed record FlagsType(string Name, string? Bits, bool Is64Bit);

internal sealed record EnumValue(string Name, long Value);

internal sealed record EnumType(string Name, bool IsFlags, bool Is64Bit, List<EnumValue> Values);

internal sealed record Command(string Name, CType Result, IReadOnlyList<Member> Parameters);

internal sealed record Extension(string Name, bool IsInstance, IReadOnlyList<string> Commands, IReadOnlyList<string> Types);

internal sealed record Constant(string Name, string Value);

/// <summary>The parts of Khronos' vk.xml the binding is made from. Aliases are left out; enum values come from core 1.0 to 1.3 and
/// from the extensions asked for.</summary>
internal sealed class Registry
{
    private static readonly string[] CoreVersions = ["VK_VERSION_1_0", "VK_VERSION_1_1", "VK_VERSION_1_2", "VK_VERSION_1_3"];

    public required string Version { get; init; }
    public Dictionary<string, StructType> Structs { get; } = [];
    public Dictionary<string, bool> Handles { get; } = [];
    public Dictionary<string, FunctionPointer> FunctionPointers { get; } = [];
    public Dictionary<string, FlagsType> Flags { get; } = [];
    public Dictionary<string, EnumType> Enums { get; } = [];
    public Dictionary<string, Command> Commands { get; } = [];
    public Dictionary<string, Extension> Extensions { get; } = [];
    public List<Constant> Constants { get; } = [];
    public List<string> Authors { get; } = [];

    public static Registry Load(string path, IReadOnlySet<string> extensions)
    {
        XElement root = XDocument.Load(path).Root!;
        XElement header = root.Element("types")!.Elements("type").Single(t => t.Element("name")?.Value == "VK_HEADER_VERSION");
        var registry = new Registry { Version = "1.3." + header.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1] };
        registry.Authors.AddRange(root.Element("tags")!.Elements("tag").Select(t => (string)t.Attribute("name")!));
        foreach (XElement constant in root.Elements("enums").Single(e => (string?)e.Attribute("name") == "API Constants").Elements("enum"))
        {
            if ((string?)constant.Attribute("value") is string value)
            {
                registry.Constants.Add(new((string)constant.Attribute("name")!, value));
            }
        }

        foreach (XElement type in root.Element("types")!.Elements("type").Where(t => t.Attribute("alias") == null))
        {
            registry.ReadType(type);
        }

        foreach (XElement enums in root.Elements("enums").Where(e => e.Attribute("type") != null))
        {
            registry.ReadEnum(enums);
        }

        foreach (XElement command in root.Element("commands")!.Elements("command").Where(c => c.Attribute("alias") == null))
        {
            Member proto = ReadMember(command.Element("proto")!);
            registry.Commands.Add(proto.Name, new(proto.Name, proto.Type, command.Elements("param").Select(ReadMember).ToList()));
        }

        foreach (XElement feature in root.Elements("feature").Where(f => CoreVersions.Contains((string)f.Attribute("name")!)))
        {
            registry.ReadExtendedValues(feature, extensionNumber: 0);
        }

        foreach (XElement extension in root.Element("extensions")!.Elements("extension")
            .Where(e => extensions.Contains((string)e.Attribute("name")!)))
        {
            registry.ReadExtension(extension);
        }

        return registry;
    }

    private void ReadType(XElement type)
    {
        string name = (string?)type.Attribute("name") ?? type.Element("name")?.Value ?? "";
        switch ((string?)type.Attribute("category"))
        {
            case "struct" or "union":
                bool isUnion = (string)type.Attribute("category")! == "union";
                Structs.Add(name, new(name, isUnion, type.Elements("member").Select(ReadMember).ToList()));
                break;
            case "handle":
                Handles.Add(name, type.Element("type")!.Value == "VK_DEFINE_HANDLE");
                break;
            case "bitmask":
                string? bits = (string?)type.Attribute("requires") ?? (string?)type.Attribute("bitvalues");
                Flags.Add(name, new(name, bits, type.Element("type")!.Value == "VkFlags64"));
                break;
            case "enum":
                Enums.TryAdd(name, new(name, IsFlags: name.Contains("FlagBits"), Is64Bit: false, []));
                break;
            case "funcpointer":
                FunctionPointers.Add(name, ReadFunctionPointer(name, type));
                break;
        }
    }

    private void ReadEnum(XElement enums)
    {
        string name = (string)enums.Attribute("name")!;
        var type = new EnumType(name, (string)enums.Attribute("type")! == "bitmask", (string?)enums.Attribute("bitwidth") == "64", []);
        Enums[name] = type;
        foreach (XElement value in enums.Elements("enum").Where(e => e.Attribute("alias") == null))
        {
            type.Values.Add(new((string)value.Attribute("name")!, ReadValue(value, extensionNumber: 0)));
        }
    }

    private void ReadExtension(XElement extension)
    {
        string name = (string)extension.Attribute("name")!;
        List<XElement> required = extension.Elements("require").ToList();
        Extensions.Add(name, new(name, (string?)extension.Attribute("type") == "instance",
            required.Elements("command").Select(c => (string)c.Attribute("name")!).Where(Commands.ContainsKey).ToList(),
            required.Elements("type").Select(t => (string)t.Attribute("name")!).ToList()));
        ReadExtendedValues(extension, (int)extension.Attribute("number")!);
    }

    private void ReadExtendedValues(XElement owner, int extensionNumber)
    {
        foreach (XElement value in owner.Elements("require").Elements("enum")
            .Where(e => e.Attribute("extends") != null && e.Attribute("alias") == null))
        {
            List<EnumValue> values = Enums[(string)value.Attribute("extends")!].Values;
            var added = new EnumValue((string)value.Attribute("name")!, ReadValue(value, extensionNumber));
            if (!values.Contains(added))
            {
                values.Add(added);
            }
        }
    }

    // The registry's numbering: bit position, literal, or 1000000000 + (extension - 1) * 1000 + offset.
    private static long ReadValue(XElement value, int extensionNumber)
    {
        if (value.Attribute("bitpos") is XAttribute position)
        {
            return 1L << (int)position;
        }

        if ((string?)value.Attribute("value") is string literal)
        {
            return literal.StartsWith("0x", StringComparison.Ordinal)
                ? long.Parse(literal.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                : long.Parse(literal, CultureInfo.InvariantCulture);
        }

        int extension = (int?)value.Attribute("extnumber") ?? extensionNumber;
        long number = 1_000_000_000L + ((extension - 1) * 1000L) + (int)value.Attribute("offset")!;
        return (string?)value.Attribute("dir") == "-" ? -number : number;
    }

    private static Member ReadMember(XElement element)
    {
        string text = string.Concat(element.Nodes().Where(n => n is not XElement { Name.LocalName: "comment" })
            .Select(n => n is XElement e ? e.Value : n.ToString()));
        string name = element.Element("name")!.Value;
        int open = text.IndexOf('[');
        string? length = open < 0 ? null : text[(open + 1)..text.IndexOf(']')];
        string typeName = element.Element("type")!.Value;
        if (text.Contains(':') || text.IndexOf('[') != text.LastIndexOf('['))
        {
            typeName = text; // A bit field or an array of arrays: refused by Names.Type if a selected type has it.
        }

        var type = new CType(typeName, text.Count(c => c == '*'), length == null ? 0 : ReadLength(element, length));
        return new(name, type, (string?)element.Attribute("values"));
    }

    private static int ReadLength(XElement member, string length)
    {
        if (int.TryParse(length, CultureInfo.InvariantCulture, out int number))
        {
            return number;
        }

        XElement constants = member.Document!.Root!.Elements("enums").Single(e => (string?)e.Attribute("name") == "API Constants");
        XElement constant = constants.Elements("enum").Single(e => (string?)e.Attribute("name") == length);
        return (string?)constant.Attribute("alias") is string alias ? ReadLength(member, alias) : (int)constant.Attribute("value")!;
    }

    // typedef VkBool32 (VKAPI_PTR *<name>PFN_x</name>)(<type>A</type>* a, <type>B</type> b);
    private static FunctionPointer ReadFunctionPointer(string name, XElement type)
    {
        string[] halves = type.Value.Split(")(", 2);
        string result = halves[0]["typedef ".Length..halves[0].IndexOf('(')].Trim();
        List<string> parameters = halves[1].TrimEnd(';', ')').Split(',').Select(p => p.Trim()).Where(p => p != "void").ToList();
        return new(name, ReadDeclaration(result), parameters.Select(ReadDeclaration).ToList());
    }

    private static CType ReadDeclaration(string text) =>
        new(text.Replace("const ", "").Split([' ', '*'], StringSplitOptions.RemoveEmptyEntries)[0], text.Count(c => c == '*'), 0);
}
