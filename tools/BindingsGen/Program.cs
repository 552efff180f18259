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

        Generate(args[0], Path.Combine(AppContext.BaseDirectory, "commands.txt"), args[1], args[2]);
        return 0;
    }

    internal static void Generate(string registryPath, string commandsPath, string bindingFolder, string testFolder)
    {
        Selection selection = Selection.Read(commandsPath);
        Registry registry = Registry.Load(registryPath, selection.Extensions.ToHashSet());
        selection.AddTypesOf(registry);
        var text = new TypeText(registry, selection);
        EnumWriter.Write(registry, selection, Path.Combine(bindingFolder, "Enums.g.cs"));
        StructWriter.Write(registry, selection, text, Path.Combine(bindingFolder, "Structs.g.cs"));
        StructWriter.WriteHandles(registry, selection, text, Path.Combine(bindingFolder, "Handles.g.cs"));

        var commands = new CommandWriter(registry, selection, text);
        commands.WriteCore(Path.Combine(bindingFolder, "Vk.g.cs"));
        foreach (Extension extension in selection.Extensions.Select(e => registry.Extensions[e]).Where(e => e.Commands.Count > 0))
        {
            commands.WriteExtension(extension, bindingFolder);
        }

        var layouts = new LayoutWriter(registry, selection, text);
        layouts.WriteTable(Path.Combine(testFolder, "GeneratedLayouts.g.cs"));
        layouts.WriteProgram(Path.Combine(testFolder, "layouts.c"));
    }
}
