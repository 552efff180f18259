using MixtralVk.Testing;

// Writes the models of the oracle cases into a folder and prints one line per case: name, bytes of logits to keep, tokens.
// Called by tools/goldens/oracle.sh with the folder of the shipped model and that folder.
foreach (OracleCase oracle in OracleCase.All)
{
    string path = Path.Combine(args[1], oracle.Name + ".gguf");
    oracle.WriteModel(args[0], path);
    using var source = MixtralVk.Loading.ModelSource.Open(path);
    Console.WriteLine($"{oracle.Name} {oracle.Rows * source.Config.VocabSize * sizeof(float)} {string.Join(',', oracle.Tokens)}");
}
