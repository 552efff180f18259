using MixtralVk.Conversion;
using MixtralVk.Loading;

namespace MixtralVk.Testing.Gguf;

/// <summary>Writes GGUF files, version 2 or 3, from metadata and tensor bytes, with no check at all: tests also make wrong ones.</summary>
public sealed class GgufWriter
{
    private readonly GgufMetadata _metadata = new();
    private readonly List<(string Name, GgmlType Type, long[] Dimensions, long Bytes, Action<Stream> Write, ulong? Offset)> _tensors = [];

    /// <summary>Version to write.</summary>
    public uint Version { get; init; } = 3;

    /// <summary>Alignment of tensor data; a value other than 32 is also written as <c>general.alignment</c>.</summary>
    public int Alignment { get; init; } = 32;

    public GgufWriter Add(string key, uint value) => Added(_metadata.Add(key, value));
    public GgufWriter Add(string key, int value) => Added(_metadata.Add(key, value));
    public GgufWriter Add(string key, ulong value) => Added(_metadata.Add(key, value));
    public GgufWriter Add(string key, float value) => Added(_metadata.Add(key, value));
    public GgufWriter Add(string key, bool value) => Added(_metadata.Add(key, value));
    public GgufWriter Add(string key, string value) => Added(_metadata.Add(key, value));
    public GgufWriter Add(string key, IReadOnlyList<string> values) => Added(_metadata.Add(key, values));
    public GgufWriter Add(string key, IReadOnlyList<float> values) => Added(_metadata.Add(key, values));
    public GgufWriter Add(string key, IReadOnlyList<int> values) => Added(_metadata.Add(key, values));

    /// <summary>Adds a value of any type; <paramref name="write"/> writes what follows the type.</summary>
    public GgufWriter Add(string key, GgufValueType type, Action<BinaryWriter> write) => Added(_metadata.Add(key, type, write));

    /// <summary>Takes values out again.</summary>
    public GgufWriter Remove(params ReadOnlySpan<string> keys) => Added(_metadata.Remove(keys));

    /// <summary>Adds a tensor; dimensions fastest first. <paramref name="offset"/> is written instead of the true one.</summary>
    public GgufWriter AddTensor(string name, GgmlType type, long[] dimensions, byte[] data, ulong? offset = null) =>
        AddTensor(name, type, dimensions, data.Length, stream => stream.Write(data), offset);

    /// <summary>Adds a tensor of any size; <paramref name="write"/> writes its bytes when the file is written.</summary>
    public GgufWriter AddTensor(string name, GgmlType type, long[] dimensions, long bytes, Action<Stream> write, ulong? offset = null)
    {
        _tensors.Add((name, type, dimensions, bytes, write, offset));
        return this;
    }

    /// <summary>Names of the tensors, in order.</summary>
    public IEnumerable<string> TensorNames => _tensors.Select(tensor => tensor.Name);

    /// <summary>Takes a tensor out again.</summary>
    public GgufWriter RemoveTensor(string name)
    {
        _tensors.RemoveAll(t => t.Name == name);
        return this;
    }

    /// <summary>A writer with the same parts, to be changed on its own.</summary>
    public GgufWriter Copy(uint version)
    {
        var copy = new GgufWriter { Version = version, Alignment = Alignment };
        copy._metadata.Add(_metadata);
        copy._tensors.AddRange(_tensors);
        return copy;
    }

    /// <summary>The whole file.</summary>
    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        Write(stream);
        return stream.ToArray();
    }

    /// <summary>Writes the file.</summary>
    public void Save(string path)
    {
        using FileStream stream = File.Create(path);
        Write(stream);
    }

    /// <summary>
    /// The model cut into parts as llama.cpp's gguf-split does it, to be written beside each other: the first has the metadata, each an
    /// equal share of the tensors in order, and the three split keys.
    /// </summary>
    public GgufWriter[] Split(int count)
    {
        var parts = new GgufWriter[count];
        for (int i = 0; i < count; i++)
        {
            parts[i] = new GgufWriter { Version = Version, Alignment = Alignment };
            if (i == 0) parts[i]._metadata.Add(_metadata);
            ushort number = (ushort)i;
            parts[i].Add("split.no", GgufValueType.UInt16, w => w.Write(number))
                .Add("split.count", GgufValueType.UInt16, w => w.Write((ushort)count))
                .Add("split.tensors.count", _tensors.Count);
            parts[i]._tensors.AddRange(_tensors[(_tensors.Count * i / count)..(_tensors.Count * (i + 1) / count)]);
        }
        return parts;
    }

    private void Write(Stream stream)
    {
        if (Alignment != 32) Remove("general.alignment").Add("general.alignment", (uint)Alignment);
        var entries = new List<GgufTensorEntry>();
        long end = 0;
        foreach (var (name, type, dimensions, bytes, _, offset) in _tensors)
        {
            entries.Add(new GgufTensorEntry(name, type, dimensions, offset ?? (ulong)end));
            end += bytes + GgufHeaderWriter.Padding(bytes, Alignment);
        }
        GgufHeaderWriter.Write(stream, Version, Alignment, _metadata, entries);
        foreach (var tensor in _tensors)
        {
            tensor.Write(stream);
            stream.Write(new byte[GgufHeaderWriter.Padding(tensor.Bytes, Alignment)]);
        }
    }

    private GgufWriter Added(GgufMetadata metadata) => this;
}
