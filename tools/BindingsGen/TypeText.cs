namespace BindingsGen;

/// <summary>How a C type is written in C#.</summary>
internal sealed class TypeText(Registry registry, Selection selection)
{
    public string Of(CType type) => BaseOf(type.Name) + new string('*', type.Pointers);

    // A fixed array parameter is a pointer in C.
    public string OfParameter(CType type) => Of(type) + (type.Length > 0 ? "*" : "");

    public string FunctionPointer(string convention, IEnumerable<CType> parameters, CType result) =>
        $"delegate* unmanaged{convention}<{string.Join(", ", parameters.Select(OfParameter).Append(Of(result)))}>";

    /// <summary>Types C# takes in a fixed buffer; others become a nested inline array.</summary>
    public bool IsPrimitive(CType type) => BaseOf(type.Name) is "byte" or "ushort" or "uint" or "ulong" or "int" or "long" or "float" or "double";

    /// <summary>Flags without bits are plain integers, as in Silk.NET.</summary>
    private string BaseOf(string name) =>
        registry.Flags.TryGetValue(name, out FlagsType? flags) && flags.Bits == null && !selection.EmptyFlags.Contains(name)
            ? flags.Is64Bit ? "ulong" : "uint"
            : Names.Type(name);
}
