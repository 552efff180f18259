using System.Text.Json;
using BenchmarkDotNet.Attributes;
using MixtralVk.Grammar;
using MixtralVk.Tokenization;

namespace MixtralVk.Bench.Benchmarks;

/// <summary>
/// What a constraint costs per token: the mask of what may follow, and the step with the token that did. Over Mistral's real vocabulary of
/// 32000, a JSON array of pieces that the environment variable MIXTRALVK_BENCH_VOCABULARY names (tools/goldens/tokenizer/write_mistral.mjs
/// writes it).
/// </summary>
[MemoryDiagnoser]
public class MaskBenchmarks
{
    private const int Answers = 20, MostTokens = 120;

    private const string Npc = """
        {"type":"object","properties":{"say":{"type":"string","maxLength":200},"emotion":{"enum":["calm","angry","afraid"]},
         "action":{"enum":["none","give_item","open_shop","attack"]},"target":{"type":"string","maxLength":40}},
         "required":["say","emotion","action","target"],"additionalProperties":false}
        """;

    private Constraint _constraint = null!;
    private Tokenizer _tokenizer = null!;
    private readonly List<int[]> _answers = [];

    /// <summary>A character's answer, any JSON, or a recursive schema.</summary>
    [Params("npc", "json", "tree")]
    public string Schema { get; set; } = "";

    /// <summary>Whether the token limit is far away or the shortest completions count.</summary>
    [Params(false, true)]
    public bool NearTheLimit { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        string file = Environment.GetEnvironmentVariable("MIXTRALVK_BENCH_VOCABULARY")
            ?? throw new InvalidOperationException(
            "MIXTRALVK_BENCH_VOCABULARY must name a JSON array of 32000 pieces; tools/goldens/tokenizer/write_mistral.mjs writes one.");
        string[] pieces = JsonSerializer.Deserialize<string[]>(File.ReadAllBytes(file))!;
        TokenType[] types = [.. pieces.Select((_, id) => id == 0 ? TokenType.Unknown : id < 3 ? TokenType.Control : id < 259
            ? TokenType.Byte : TokenType.Normal)];
        _tokenizer = new Tokenizer(new VocabularyData("llama", pieces, [.. pieces.Select((_, id) => -(float)id)], types, Bos: 1, Eos: 2,
            Unknown: 0, EndOfTurn: -1, AddBos: true, AddEos: false,
            AddSpacePrefix: true, ChatTemplate: null));
        _constraint = Schema switch
        {
            "npc" => Constraint.JsonSchema(Npc),
            "json" => Constraint.Json(),
            _ => Constraint.JsonSchema("""{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"name":{"type":"string","maxLength":8},"children":{"type":"array","items":{"$ref":"#/$defs/node"},"maxItems":4}},"required":["name","children"]}}}"""),
        };
        // Answers of random tokens, which meet more states than those of a model; made once, they warm up what is measured.
        var random = new Random(1);
        for (int i = 0; i < Answers; i++) _answers.Add(Answer(random));
    }

    /// <summary>A token of an answer whose states have been met before.</summary>
    [Benchmark(OperationsPerInvoke = Answers * MostTokens)]
    public int Token()
    {
        int tokens = 0;
        for (int round = 0; tokens < Answers * MostTokens; round = (round + 1) % Answers)
        {
            ConstrainedText text = _constraint.Begin(_tokenizer, MostTokens);
            int left = Left(_answers[round].Length);
            foreach (int token in _answers[round])
            {
                text.Allowed(left--);
                text.Accept(token);
                if (++tokens == Answers * MostTokens) break;
            }
        }
        return tokens;
    }

    private int Left(int length) => NearTheLimit ? length : 100_000;

    private int[] Answer(Random random)
    {
        ConstrainedText text = _constraint.Begin(_tokenizer, MostTokens);
        var tokens = new List<int>();
        while (!text.IsFinal && tokens.Count < MostTokens)
        {
            ReadOnlySpan<uint> allowed = text.Allowed(MostTokens - tokens.Count);
            int token;
            do token = random.Next(_tokenizer.VocabSize);
            while ((allowed[token / 32] >> (token % 32) & 1) == 0);
            if (_tokenizer.IsEnd(token)) break;
            tokens.Add(token);
            text.Accept(token);
        }
        return [.. tokens];
    }
}
