using System.CommandLine;
using System.Globalization;

namespace ExpertSimulator;

/// <summary>
/// Replays what routers chose against policies for experts beyond video memory: Mixtral 8x7B on cards that are not at hand, or, with
/// measured costs, a model that is.
/// </summary>
internal static class Program
{
    private const long Working = 300L << 20; // intermediate results, pipelines and the expert on its way

    private static readonly int[] s_chunks = [128, 512];

    private static Task<int> Main(string[] args)
    {
        var traces = new Argument<string[]>("TRACE")
            { Description = "Files of `mixtralvk routing --trace`, one after the other; 'even' draws every choice.",
            Arity = ArgumentArity.OneOrMore };
        var game = new Option<double>("--game")
            { Description = "GiB of video memory that a game takes (2).", DefaultValueFactory = _ => 2 };
        var costs = new Option<double[]>("--costs")
        {
            Description = "Measured milliseconds instead of cards: of an expert on the GPU, on the CPU, its upload, a layer's rest, a layer's hand-over.", HelpName = "g c u d h", Arity = new ArgumentArity(5, 5),
            AllowMultipleArgumentsPerToken = true,
        };
        var root = new RootCommand("Tokens per second of experts beyond video memory, by policy, and of prompts.") { traces, game, costs };
        root.SetAction(parsed =>
        {
            foreach (string name in parsed.GetRequiredValue(traces))
            {
                RoutingTrace trace = name == "even" ? RoutingTrace.Even(1000) : RoutingTrace.Read(name);
                Console.WriteLine(
                    $"{Path.GetFileNameWithoutExtension(name)}: {trace.Tokens} tokens, {trace.Layers} layers of {trace.Experts} experts, {trace.TopK} a token");
                if (parsed.GetValue(costs) is [var g, var c, var u, var d, var h])
                    Measured(trace, new Costs(g / 1000, c / 1000, u / 1000, d / 1000, h / 1000));
                else foreach (Card card in Card.All) OnCard(trace, card, (long)(parsed.GetValue(game) * (1 << 30)));
            }
        });
        return root.Parse(args).InvokeAsync();
    }

    /// <summary>Mixtral 8x7B: the trace's layers stand for its 32, by their mean.</summary>
    private static void OnCard(RoutingTrace trace, Card card, long game)
    {
        Shape shape = Shape.Mixtral;
        long room = card.VideoBytes - game - shape.DenseBytes - shape.KvBytes - Working;
        int resident = (int)Math.Clamp(room / shape.ExpertBytes, 0, shape.Layers * trace.Experts),
            slots = resident * trace.Layers / shape.Layers;
        Console.WriteLine($"  {card.Name}: {resident} of {shape.Layers * trace.Experts} experts");
        foreach (Policy policy in Enum.GetValues<Policy>())
            Print(policy, new Simulation(trace, slots, policy, Costs.Of(card, shape)).Run(), shape.Layers / (double)trace.Layers);
        foreach (int chunk in s_chunks.Where(chunk => chunk <= trace.Tokens))
            OnPrompts(new PromptSimulation(trace, slots, chunk, PromptCosts.Of(card, shape)), chunk, shape.Layers / (double)trace.Layers);
    }

    private static void OnPrompts(PromptSimulation simulation, int chunk, double layers)
    {
        (double alone, _) = simulation.Run(invites: false);
        (double invited, double guests) = simulation.Run(invites: true);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"    prompts in chunks of {chunk,3}: {1 / (alone * layers),6:0.0} tokens/s, with guests {1 / (invited * layers),6:0.0} ({guests:0.0} a layer and chunk)"));
    }

    private static void Measured(RoutingTrace trace, Costs costs)
    {
        foreach (int percent in (ReadOnlySpan<int>)[0, 25, 50, 75, 100])
        {
            Console.WriteLine($"  {percent} % of the experts");
            foreach (Policy policy in Enum.GetValues<Policy>())
                Print(policy, new Simulation(trace, trace.Layers * trace.Experts * percent / 100, policy, costs).Run(), 1);
        }
    }

    private static void Print(Policy policy, Result result, double layers) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"    {policy,-13} {100 * result.HitRate,5:0.0} % hits  {1 / (result.SecondsPerToken * layers),6:0.0} tokens/s  {result.Uploads,6} uploads"));
}
