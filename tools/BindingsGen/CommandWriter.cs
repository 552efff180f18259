namespace BindingsGen;

/// <summary>Vk.g.cs and one file per extension with commands.</summary>
internal sealed class CommandWriter(Registry registry, Selection selection, TypeText text)
{
    private static readonly HashSet<string> InstanceHandles = ["VkInstance", "VkPhysicalDevice"];
    private static readonly HashSet<string> DeviceHandles = ["VkDevice", "VkQueue", "VkCommandBuffer"];

    public void WriteCore(string path)
    {
        var writer = new Writer(registry, "#nullable enable", "", "using Silk.NET.Core;", "", "namespace Silk.NET.Vulkan;", "");
        writer.Open("internal sealed unsafe partial class Vk");
        foreach (Constant constant in registry.Constants.Where(c => IsCore(c.Name) && !c.Value.EndsWith('F')))
        {
            string type = constant.Value.Contains("ULL") ? "ulong" : "uint";
            string value = constant.Value.Trim('(', ')').Replace("ULL", "UL");
            writer.Line($"public const {type} {Names.Constant(constant.Name)} = {value};");
        }

        List<Command> commands = selection.Commands.Select(c => registry.Commands[c]).ToList();
        foreach (Command command in commands)
        {
            WriteLazyCommand(command, writer);
        }

        writer.Line();
        writer.Line("// The next call of each loads it anew, for the device now current.");
        writer.Open("private void ForgetDeviceCommands()");
        foreach (Command command in commands.Where(c => Level(c) == "Device"))
        {
            writer.Line($"{FieldName(command)} = null;");
        }

        writer.Close();
        writer.Line();
        writer.Open("private void ForgetInstanceCommands()");
        foreach (Command command in commands.Where(c => Level(c) == "Instance"))
        {
            writer.Line($"{FieldName(command)} = null;");
        }

        writer.Close();
        writer.Close();
        writer.Save(path);
    }

    public void WriteExtension(Extension extension, string folder)
    {
        string author = extension.Name.Split('_')[1];
        string name = Names.ExtensionClass(extension.Name);
        List<Command> commands = extension.Commands.Select(c => registry.Commands[c]).ToList();
        var writer = new Writer(registry, "#nullable enable", "", "using Silk.NET.Core;", "", $"namespace Silk.NET.Vulkan.Extensions.{author};", "");
        writer.Line($"/// <summary>{extension.Name}</summary>");
        writer.Open($"internal sealed unsafe class {name} : IVkExtension<{name}>");
        writer.Line($"public const string ExtensionName = \"{extension.Name}\";");
        foreach (Command command in commands)
        {
            writer.Line($"private readonly {PointerType(command)} {FieldName(command)};");
        }

        writer.Line();
        writer.Open($"private {name}(CommandSource source)");
        foreach (Command command in commands)
        {
            writer.Line($"{FieldName(command)} = ({PointerType(command)})source.Find(\"{command.Name}\"u8);");
        }

        writer.Close();
        writer.Line();
        writer.Open($"static {name}? IVkExtension<{name}>.TryCreate(CommandSource source)");
        writer.Line($"var extension = new {name}(source);");
        string complete = string.Join(" && ", commands.Select(c => $"extension.{FieldName(c)} != null"));
        writer.Line($"return {complete} ? extension : null;");
        writer.Close();
        foreach (Command command in commands)
        {
            writer.Line();
            writer.Line($"/// <summary>{command.Name}</summary>");
            writer.Line($"{Signature(command)} => {FieldName(command)}({Arguments(command)});");
        }

        writer.Close();
        writer.Save(Path.Combine(folder, name + ".g.cs"));
    }

    private void WriteLazyCommand(Command command, Writer writer)
    {
        writer.Line();
        writer.Line($"/// <summary>{command.Name}</summary>");
        writer.Open(Signature(command));
        writer.Open($"if ({FieldName(command)} == null)");
        writer.Line($"{FieldName(command)} = ({PointerType(command)})Load{Level(command)}Command(\"{command.Name}\"u8);");
        writer.Close();
        writer.Line();
        writer.Line($"{(command.Result.Name == "void" ? "" : "return ")}{FieldName(command)}({Arguments(command)});");
        writer.Close();
        writer.Line();
        writer.Line($"private {PointerType(command)} {FieldName(command)};");
    }

    private bool IsCore(string constant) => !registry.Authors.Any(a => constant.EndsWith("_" + a, StringComparison.Ordinal));

    private static string Level(Command command)
    {
        string first = command.Parameters[0].Type.Name;
        return command.Parameters[0].Type.Pointers > 0 ? "Global"
            : InstanceHandles.Contains(first) ? "Instance"
            : DeviceHandles.Contains(first) ? "Device" : "Global";
    }

    private string Signature(Command command)
    {
        IEnumerable<string> parameters = command.Parameters.Select(p => $"{text.OfParameter(p.Type)} {Names.Parameter(p.Name)}");
        return $"public {text.Of(command.Result)} {Names.Command(command.Name, registry.Authors)}({string.Join(", ", parameters)})";
    }

    private static string Arguments(Command command) => string.Join(", ", command.Parameters.Select(p => Names.Parameter(p.Name)));

    private string PointerType(Command command) => text.FunctionPointer("", command.Parameters.Select(p => p.Type), command.Result);

    private static string FieldName(Command command) => "_" + command.Name;
}
