namespace BindingsGen;

/// <summary>What commands.txt asks for, and the closure of types that needs.</summary>
internal sealed class Selection
{
    public List<string> Commands { get; } = [];
    public List<string> Extensions { get; } = [];
    public HashSet<string> Types { get; } = [];
    public HashSet<string> EmptyFlags { get; } = [];

    public static Selection Read(string path)
    {
        var selection = new Selection();
        foreach (string line in File.ReadLines(path).Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#'))
        {
            string[] words = line.Split(' ', 2, StringSplitOptions.TrimEntries);
            switch (words[0])
            {
                case "command": selection.Commands.Add(words[1]); break;
                case "extension": selection.Extensions.Add(words[1]); break;
                case "type": selection.Types.Add(words[1]); break;
                case "flags": selection.EmptyFlags.Add(words[1]); break;
                default: throw new FormatException($"'{line}' in {path} begins with none of command, extension, type, flags.");
            }
        }

        return selection;
    }

    public void AddTypesOf(Registry registry)
    {
        var pending = new Queue<string>(Types);
        Types.Clear();
        foreach (Extension extension in Extensions.Select(e => registry.Extensions[e]))
        {
            extension.Types.ToList().ForEach(pending.Enqueue);
        }

        foreach (Command command in AllCommands(registry).Select(c => registry.Commands[c]))
        {
            pending.Enqueue(command.Result.Name);
            command.Parameters.ToList().ForEach(p => pending.Enqueue(p.Type.Name));
        }

        while (pending.TryDequeue(out string? name))
        {
            if (Types.Add(name))
            {
                Needs(registry, name).ToList().ForEach(pending.Enqueue);
            }
        }
    }

    private IEnumerable<string> AllCommands(Registry registry) =>
        Commands.Concat(Extensions.SelectMany(e => registry.Extensions[e].Commands));

    private static IEnumerable<string> Needs(Registry registry, string name)
    {
        if (registry.Structs.TryGetValue(name, out StructType? type))
        {
            return type.Members.Select(m => m.Type.Name);
        }

        if (registry.FunctionPointers.TryGetValue(name, out FunctionPointer? pointer))
        {
            return pointer.Parameters.Append(pointer.Result).Select(p => p.Name);
        }

        return registry.Flags.TryGetValue(name, out FlagsType? flags) && flags.Bits != null ? [flags.Bits] : [];
    }
}
