namespace BindingsGen;

internal static class Program
{
    public const string CommandLine =
        "dotnet run --project tools/BindingsGen -- /usr/share/vulkan/registry/vk.xml src/MixtralVk.Gpu/Vulkan tests/MixtralVk.Gpu.Tests/Vulkan";

    private static int Main(string[] args)
    {
        if (args.Length != 3)
        {
            Console.Error.WriteLine("usage: BindingsGen REGISTRY BINDING_FOLDER TEST_FOLDER");
            Console.Error.WriteLine($"as committed: {CommandLine}");
            return 2;
        }

        Selection selection = Selection.Read(Path.Combine(AppContext.BaseDirectory, "commands.txt"));
        Registry registry = Registry.Load(args[0], selection.Extensions.ToHashSet());
        selection.AddTypesOf(registry);
        var text = new TypeText(registry, selection);
        var commands = new CommandWriter(registry, selection, text);
        EnumWriter.Write(registry, selection, Path.Combine(args[1], "Enums.g.cs"));
        StructWriter.Write(registry, selection, text, Path.Combine(args[1], "Structs.g.cs"));
        StructWriter.WriteHandles(registry, selection, text, Path.Combine(args[1], "Handles.g.cs"));
        commands.WriteCore(Path.Combine(args[1], "Vk.g.cs"));
        foreach (Extension extension in selection.Extensions.Select(e => registry.Extensions[e]).Where(e => e.Commands.Count > 0))
        {
            commands.WriteExtension(extension, args[1]);
        }

        LayoutWriter.Write(registry, selection, Path.Combine(args[2], "GeneratedLayouts.g.cs"));
        return 0;
    }
}
