using System.Text;
using MixtralVk.Loading;

namespace MixtralVk.Testing.Gguf;

/// <summary>Writes GGUF files, version 2 or 3, from metadata and tensor bytes, with no check at all: tests also make wrong ones.</summary>
public sealed class GgufWriter
{
    private readonly List<(string Key, GgufValueType Type, Action<BinaryWriter> Write)> _metadata = [];
    private readonly List<(string Name, GgmlType Type, long[] Dimensions, byte[] Data, ulong? Offset)> _tensors = [];

    /// <summary>Version to write.</summary>
    public uint Version { get; init; } = 3;

    /// <summary>Alignment of tensor data; a value other than 32 is also written as <c>general.alignment</c>.</summary>
    public int Alignment { get; init; } = 32;

    public GgufWriter Add(string key, uint value) => Add(key, GgufValueType.UInt32, w => w.Write(value));
    public GgufWriter Add(string key, int value) => Add(key, GgufValueType.Int32, w => w.Write(value));
    public GgufWriter Add(string key, ulong value) => Add(key, GgufValueType.UInt64, w => w.Write(value));
    public GgufWriter Add(string key, float value) => Add(key, GgufValueType.Float32, w => w.Write(value));
    public GgufWriter Add(string key, bool value) => Add(key, GgufValueType.Bool, w => w.Write(value));
    public GgufWriter Add(string key, string value) => Add(key, GgufValueType.String, w => Write(w, value));
    public GgufWriter Add(string key, IReadOnlyList<string> values) => AddArray(key, GgufValueType.String, values, Write);
    public GgufWriter Add(string key, IReadOnlyList<float> values) => AddArray(key, GgufValueType.Float32, values, (w, v) => w.Write(v));
    public GgufWriter Add(string key, IReadOnlyList<int> values) => AddArray(key, GgufValueType.Int32, values, (w, v) => w.Write(v));

    /// <summary>Adds a value of any type; <paramref name="write"/> writes what follows the type.</summary>
    public GgufWriter Add(string key, GgufValueType type, Action<BinaryWriter> write)
    {
        _metadata.Add((key, type, write));
        return this;
    }

    /// <summary>Takes values out again.</summary>
    public GgufWriter Remove(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys) _metadata.RemoveAll(m => m.Key == key);
        return this;
    }

    /// <summary>Adds a tensor; dimensions fastest first. <paramref name="offset"/> is written instead of the true one.</summary>
    public GgufWriter AddTensor(string name, GgmlType type, long[] dimensions, byte[] data, ulong? offset = null)
    {
        _tensors.Add((name, type, dimensions, data, offset));
        return this;
    }

    /// <summary>Takes a tensor out again.</summary>
    public GgufWriter RemoveTensor(string name)
    {
        _tensors.RemoveAll(t => t.Name == name);
        return this;
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
    /// The model cut into parts as llama.cpp's gguf-split does it, to be written beside each other: the first has the metadata, each an equal share
    /// of the tensors in order, and the three split keys.
    /// </summary>
    public GgufWriter[] Split(int count)
    {
        var parts = new GgufWriter[count];
        for (int i = 0; i < count; i++)
        {
            parts[i] = new GgufWriter { Version = Version, Alignment = Alignment };
            if (i == 0) parts[i]._metadata.AddRange(_metadata);
            ushort number = (ushort)i;
            parts[i].Add("split.no", GgufValueType.UInt16, w => w.Write(number)).Add("split.count", GgufValueType.UInt16, w => w.Write((ushort)count))
                .Add("split.tensors.count", _tensors.Count);
            parts[i]._tensors.AddRange(_tensors[(_tensors.Count * i / count)..(_tensors.Count * (i + 1) / count)]);
        }
        return parts;
    }

    private void Write(Stream stream)
    {
        if (Alignment != 32) Remove("general.alignment").Add("general.alignment", (uint)Alignment);
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write((ulong)_tensors.Count);
        writer.Write((ulong)_metadata.Count);
        foreach (var (key, type, write) in _metadata)
        {
            Write(writer, key);
            writer.Write((uint)type);
            write(writer);
        }
        long end = 0;
        foreach (var (name, type, dimensions, data, offset) in _tensors)
        {
            Write(writer, name);
            writer.Write(dimensions.Length);
            foreach (long dimension in dimensions) writer.Write(dimension);
            writer.Write((uint)type);
            writer.Write(offset ?? (ulong)end);
            end += data.Length + Padding(data.Length);
        }
        Pad(writer);
        foreach (var tensor in _tensors)
        {
            writer.Write(tensor.Data);
            Pad(writer);
        }
    }

    private void Pad(BinaryWriter writer) => writer.Write(new byte[Padding(writer.BaseStream.Position)]);

    private int Padding(long position) => (int)((Alignment - position % Alignment) % Alignment);

    private GgufWriter AddArray<T>(string key, GgufValueType type, IReadOnlyList<T> values, Action<BinaryWriter, T> write) =>
        Add(key, GgufValueType.Array, w =>
        {
            w.Write((uint)type);
            w.Write((ulong)values.Count);
            foreach (T value in values) write(w, value);
        });

    private static void Write(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }
}
