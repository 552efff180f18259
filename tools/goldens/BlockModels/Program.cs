using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MixtralVk.Loading;
using MixtralVk.Quantization;
using MixtralVk.Testing.Gguf;

// Called by tools/goldens/blocks.sh, twice.
//   models FOLDER           writes values.gguf (floats) and, per format, <format>.gguf with random blocks whose scales are odd ones;
//                           prints the formats
//   collect FOLDER GOLDENS  takes the embedding of <format>.gguf and of <format>-made.gguf (values.gguf in that format) and their floats
//                           from <format>-f32.gguf and <format>-made-f32.gguf: <format>.blocks and <format>.f32
const string Table = "token_embd.weight";
SyntheticModel model = new() { Dim = 256, HeadDim = 64, Hidden = 256, Experts = 0, Layers = 1, Vocab = 262, TiedOutput = true };
WeightFormat[] formats = [.. Enum.GetValues<WeightFormat>().Where(f => f != WeightFormat.F32)];
string folder = args[1];
if (args[0] == "models")
{
    model.Write(Path.Combine(folder, "values.gguf"));
    foreach (WeightFormat format in formats)
    {
        GgufWriter writer = model.ToWriter().RemoveTensor(Table);
        writer.AddTensor(Table, Quantizer.TypeOf(format), [model.Dim, model.Vocab], OddBlocks(format, model.Dim * model.Vocab));
        writer.Save(Path.Combine(folder, NameOf(format) + ".gguf"));
        Console.WriteLine(NameOf(format));
    }
}
else
{
    foreach (WeightFormat format in formats)
    {
        string name = NameOf(format);
        byte[] blocks = [.. Rows(name, 12, Quantizer.TypeOf(format)), .. Rows(name + "-made", 2, Quantizer.TypeOf(format))];
        byte[] values = [.. Rows(name + "-f32", 12, GgmlType.F32), .. Rows(name + "-made-f32", 2, GgmlType.F32)];
        File.WriteAllBytes(Path.Combine(args[2], name + ".blocks"), blocks);
        File.WriteAllBytes(Path.Combine(args[2], name + ".f32"), values);
    }
}

static string NameOf(WeightFormat format) => format.ToString().ToLowerInvariant();

byte[] Rows(string name, int rows, GgmlType type)
{
    using GgufFile file = GgufFile.Open(Path.Combine(folder, name + ".gguf"));
    GgufTensor tensor = file.Tensors[Table];
    if (tensor.Type != type) throw new InvalidOperationException($"{name}.gguf holds {tensor.Type}, not {type}.");
    return file.Rows(tensor, 0, rows).ToArray();
}

// Random bits; the 16-bit scales, or the 16-bit values themselves, go through every kind of finite number.
static byte[] OddBlocks(WeightFormat format, int values)
{
    // Denormals (least, greatest), the least normal, zeros, ordinary ones, the greatest; each of both signs.
    ushort[] odd = [0x0001, 0x03FF, 0x0400, 0x0000, 0x3C00, 0x7BFF, 0x8001, 0x83FF, 0x8400, 0x8000, 0xA5C3, 0xFBFF];
    int elements = Quantizer.BlockValues(format), bytes = Quantizer.BlockBytes(format);
    var data = new byte[values / elements * bytes];
    var random = new Random((int)format);
    random.NextBytes(data);
    if (elements == 1)
    {
        // Values with all exponent bits set are not finite.
        int exponent = format == WeightFormat.BF16 ? 0x7F80 : 0x7C00;
        foreach (ref ushort value in MemoryMarshal.Cast<byte, ushort>(data.AsSpan()))
            if ((value & exponent) == exponent) value &= 0xBFFF;
        return data;
    }
    int[] halves = Quantizer.HalvesAt(format);
    for (int block = 0; block < data.Length / bytes; block++)
        for (int i = 0; i < halves.Length; i++)
            BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(block * bytes + halves[i]), odd[(block * (i + 1) + i * 5) % odd.Length]);
    return data;
}
