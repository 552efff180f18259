using System.CommandLine;
using System.Text;
using MixtralVk.Cli;
using MixtralVk.Cli.Commands;

Console.OutputEncoding = Encoding.UTF8;

var root = new RootCommand("Runs language models of the Mixtral architecture on Vulkan, or on the CPU.")
{
    ChatCommand.Create(),
    ServeCommand.Create(),
    GenerateCommand.Create(),
    InspectCommand.Create(),
    PlanCommand.Create(),
    TokenizeCommand.Create(),
    LogitsCommand.Create(),
    ConvertCommand.Create(),
    QuantizeCommand.Create(),
    ImatrixCommand.Create(),
    BenchCommand.Create(),
    CrowdCommand.Create(),
    TuneCommand.Create(),
    PerplexityCommand.Create(),
    RoutingCommand.Create(),
    EvalCommand.Create(),
    KernelsCommand.Create(),
    PackCommand.Create(),
    VerifyCommand.Create(),
    DevicesCommand.Create(),
};
return await ProgramExit.RunAsync(root.Parse(args)).ConfigureAwait(false);
