// Answers of a model that are held to random schemas, at high temperatures and with random token limits down to the shortest answer, for an
// independent validator (tools/constrained-replies.sh): COUNT MODEL [SEED]. One JSON object per line: schema, answer, token limit, tokens.
using System.Text;
using System.Text.Json.Nodes;
using MixtralVk;
using MixtralVk.Grammar;

if (args.Length < 2 || !int.TryParse(args[0], out int count) || count <= 0)
{
    Console.Error.WriteLine("usage: ConstrainedReplies COUNT MODEL [SEED]");
    return 2;
}
var random = new Random(args.Length > 2 ? int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture) : 1);
using MixtralModel model = MixtralModel.Load(args[1], new MixtralOptions { Device = DeviceKind.Cpu });
using Session session = model.StartSession();
int[] prompt = model.Tokenizer.Encode("Answer as JSON:");
int room = model.ContextLength - prompt.Length;
var schemas = new RandomSchema(random);
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
for (int i = 0; i < count;)
{
    JsonObject schema = schemas.Next();
    Constraint constraint = Constraint.JsonSchema(schema.ToJsonString());
    int shortest = constraint.ShortestTokens(model.Tokenizer);
    if (shortest > room) continue;
    for (int repeat = 0; repeat < 4 && i < count; repeat++, i++)
    {
        int limit = Math.Min(room, shortest + (repeat == 0 ? 0 : random.Next(60)));
        session.Prefill(prompt);
        Generation generation = session.Generate(new GenerationOptions
        {
            Constraint = constraint, MaxTokens = limit, Seed = (ulong)i, Temperature = 1 + 4 * random.NextSingle(),
            TopK = 0, TopP = 1, MinP = 0,
        });
        var answer = new StringBuilder();
        int tokens = 0;
        foreach (GeneratedToken token in generation)
        {
            answer.Append(token.Text);
            tokens++;
        }
        Console.WriteLine(new JsonObject
        {
            ["schema"] = schema.DeepClone(), ["answer"] = answer.ToString(), ["complete"] = generation.IsComplete, ["limit"] = limit,
            ["shortest"] = shortest, ["tokens"] = tokens,
        }.ToJsonString());
    }
}
return 0;
