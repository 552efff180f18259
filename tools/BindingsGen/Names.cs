using System.Text;

namespace BindingsGen;

/// <summary>C names to the names Silk.NET.Vulkan 2.22 gives them.</summary>
internal static class Names
{
    // Words of all-upper-case names that Silk.NET leaves in capitals.
    private static readonly HashSet<string> Capitals = ["ID", "NV", "VI", "NN", "BC"];
    private static readonly HashSet<string> Keywords = ["event", "object", "params", "ref", "in", "out", "string", "fixed"];

    public static string Type(string name) => name switch
    {
        "void" => "void",
        "char" or "uint8_t" => "byte",
        "uint16_t" => "ushort",
        "uint32_t" or "VkFlags" or "VkSampleMask" => "uint",
        "uint64_t" or "VkDeviceSize" or "VkDeviceAddress" or "VkFlags64" => "ulong",
        "int32_t" or "int" => "int",
        "int64_t" => "long",
        "size_t" => "nuint",
        "float" => "float",
        "double" => "double",
        "VkBool32" => "Bool32",
        _ when name.StartsWith("PFN_vk", StringComparison.Ordinal) => "Pfn" + name["PFN_vk".Length..],
        _ when name.StartsWith("Vk", StringComparison.Ordinal) => name[2..].Replace("FlagBits", "Flags"),
        _ => throw new NotSupportedException($"The C type {name} has no C# form here."),
    };

    /// <summary>pNext to PNext, deviceLUIDValid to DeviceLuidvalid, vendorID to VendorID: a run of three or more capitals keeps only
    /// its first.</summary>
    public static string Field(string name)
    {
        var result = new StringBuilder();
        string[] words = name.Split('_', StringSplitOptions.RemoveEmptyEntries);
        foreach (string word in words.Select(w => char.ToUpperInvariant(w[0]) + w[1..]))
        {
            for (int i = 0; i < word.Length;)
            {
                int end = i;
                while (end < word.Length && char.IsUpper(word[end]))
                {
                    end++;
                }

                int run = end - i;
                if (run == 0)
                {
                    result.Append(word[i++]);
                }
                else
                {
                    result.Append(word[i]).Append(run > 2 ? word[(i + 1)..end].ToLowerInvariant() : word[(i + 1)..end]);
                    i = end;
                }
            }
        }

        return result.ToString();
    }

    public static string Parameter(string name) => Keywords.Contains(name) ? "@" + name : name;

    public static string ConstructorParameter(string name)
    {
        string field = Field(name);
        return Parameter(char.ToLowerInvariant(field[0]) + field[1..]);
    }

    public static string Constant(string name) => Words(name["VK_".Length..]);

    public static string Command(string name, IEnumerable<string> authors)
    {
        string? author = authors.FirstOrDefault(a => name.EndsWith(a, StringComparison.Ordinal));
        return name["vk".Length..^(author?.Length ?? 0)];
    }

    public static string ExtensionClass(string name)
    {
        string[] parts = name.Split('_', 3);
        return Words(parts[1]) + Words(parts[2].ToUpperInvariant());
    }

    public static string EnumValue(string type, string value, IEnumerable<string> authors)
    {
        string? author = authors.FirstOrDefault(a => type.EndsWith(a, StringComparison.Ordinal));
        string bare = type[..^(author?.Length ?? 0)].Replace("FlagBits", "");
        string prefix = bare == "VkResult" ? "VK_" : SnakeCase(bare) + "_";
        string rest = value.StartsWith(prefix, StringComparison.Ordinal) ? value[prefix.Length..] : value["VK_".Length..];
        string name = Words(rest);
        return char.IsDigit(name[0]) ? Words(prefix.TrimEnd('_').Split('_')[^1]) + name : name;
    }

    // VkAccess2 is VK_ACCESS_2, VkImageViewType is VK_IMAGE_VIEW_TYPE.
    private static string SnakeCase(string name)
    {
        var result = new StringBuilder();
        for (int i = 0; i < name.Length; i++)
        {
            bool starts = char.IsUpper(name[i]) ? i > 0 && !char.IsUpper(name[i - 1]) : char.IsDigit(name[i]) && !char.IsDigit(name[i - 1]);
            result.Append(starts ? "_" : "").Append(char.ToUpperInvariant(name[i]));
        }

        return result.ToString();
    }

    // A letter after a letter goes to lower case, one after a digit stays: R8G8B8A8_UNORM is R8G8B8A8Unorm.
    private static string Words(string snake)
    {
        var result = new StringBuilder();
        foreach (string word in snake.Split('_', StringSplitOptions.RemoveEmptyEntries))
        {
            bool keep = Capitals.Contains(word.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9'));
            for (int i = 0; i < word.Length; i++)
            {
                result.Append(i > 0 && char.IsLetter(word[i - 1]) && !keep ? char.ToLowerInvariant(word[i]) : word[i]);
            }
        }

        return result.ToString();
    }
}
