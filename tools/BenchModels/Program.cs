using System.CommandLine;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;

namespace BenchModels;

/// <summary>Writes model files of random weights in chosen shapes, to repeat the tables of docs/performance.md.</summary>
internal static class Program
{
    /// <summary>Shapes by name. "true" is Mixtral 8x7B's, "dense70b" Llama 2 70B's, one layer each unless --layers says more.</summary>
    private static readonly Dictionary<string, SyntheticModel> Presets = new()
    {
        ["tiny"] = new SyntheticModel { Layers = 2, Dim = 256, Heads = 8, KvHeads = 2, Hidden = 512, Vocab = 512, Context = 4096 },
        ["mid"] = new SyntheticModel { Layers = 4, Dim = 1024, Heads = 16, KvHeads = 4, Hidden = 3584, Vocab = 4096, Context = 4096 },
        ["true"] = new SyntheticModel { Layers = 1, Dim = 4096, Heads = 32, KvHeads = 8, Hidden = 14336, Vocab = 32000, Context = 32768 },
        ["dense70b"] = new SyntheticModel { Layers = 1, Dim = 8192, Heads = 64, KvHeads = 8, Hidden = 28672, Experts = 0,
            Vocab = 32000, Context = 4096 },
    };

    /// <summary>So that a game's characters can be tried with any of them.</summary>
    private const string MixtralChat =
        "{% for m in messages %}{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}{{ m.content + eos_token }}{% endif %}{% endfor %}";

    private static Task<int> Main(string[] args)
    {
        var preset = new Argument<string>("PRESET") { Description = "tiny, mid, true (Mixtral 8x7B) or dense70b (Llama 2 70B)." };
        preset.AcceptOnlyFromAmong([.. Presets.Keys]);
        var output = new Argument<string>("FILE") { Description = "The GGUF file to write." };
        var format = new Option<WeightFormat>("--type")
            { Description = "Format of every matrix (Q4_0).", DefaultValueFactory = _ => WeightFormat.Q4_0 };
        var seed = new Option<int>("--seed") { Description = "Seed of the weights (1).", DefaultValueFactory = _ => 1 };
        (string Name, string Description, Func<SyntheticModel, int, SyntheticModel> Set)[] sizes =
        [
            ("--layers", "Layers.", (m, n) => m with { Layers = n }),
            ("--dim", "Length of the residual stream.", (m, n) => m with { Dim = n }),
            ("--hidden", "Hidden length of an expert or of the dense block.", (m, n) => m with { Hidden = n }),
            ("--heads", "Query heads.", (m, n) => m with { Heads = n }),
            ("--kv-heads", "Key and value heads.", (m, n) => m with { KvHeads = n }),
            ("--experts", "Experts; 0 makes a dense model.", (m, n) => m with { Experts = n }),
            ("--top-k", "Experts of a token.", (m, n) => m with { TopK = n }),
            ("--vocab", "Tokens.", (m, n) => m with { Vocab = n }),
            ("--context", "Longest context.", (m, n) => m with { Context = n }),
        ];
        Option<int?>[] options = [.. sizes.Select(s => new Option<int?>(s.Name) { Description = s.Description, HelpName = "n" })];
        var root = new RootCommand("Writes a model of random weights as a GGUF file.") { preset, output, format, seed };
        foreach (Option<int?> option in options) root.Add(option);
        root.SetAction(parsed =>
        {
            // A prime number of blocks: rows do not repeat.
            SyntheticModel model = Presets[parsed.GetRequiredValue(preset)] with { Weights = parsed.GetValue(format),
                Seed = parsed.GetValue(seed), RepeatedBlocks = 4099, ChatTemplate = MixtralChat };
            for (int i = 0; i < options.Length; i++)
                if (parsed.GetValue(options[i]) is int value) model = sizes[i].Set(model, value);
            string path = parsed.GetRequiredValue(output);
            model.Write(path);
            Console.WriteLine($"{path}: {new FileInfo(path).Length / 1e9:0.00} GB, {model.Layers} layers of dim {model.Dim}, "
                + (model.Experts > 0 ? $"{model.Experts} experts, {model.TopK} a token" : "dense"));
        });
        return root.Parse(args).InvokeAsync();
    }
}
