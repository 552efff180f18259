using System.Net;

namespace MixtralVk.Server;

/// <summary>What is served, where, to whom, and within which limits. <see cref="ServerSettings"/> says where values come from.</summary>
public sealed class ServerOptions
{
    /// <summary>The model's file, packed or GGUF.</summary>
    public string ModelFile { get; set; } = "";

    /// <summary>The model's name in the API; empty takes the file's name without extension.</summary>
    public string ModelName { get; set; } = "";

    /// <summary>Where to compute.</summary>
    public DeviceKind Device { get; set; } = DeviceKind.Auto;

    /// <summary>
    /// Longest conversation in tokens; null takes the model's length, at most <see cref="MixtralOptions.DefaultContextLength"/>.
    /// </summary>
    public int? ContextLength { get; set; }

    /// <summary>
    /// Most bytes of a GPU's memory for experts, as <see cref="MixtralOptions.ExpertBudgetBytes"/>; null takes what is left.
    /// </summary>
    public long? ExpertBudgetBytes { get; set; }

    /// <summary>Folder where compiled pipelines and measured kernel variants are kept between runs; null keeps none.</summary>
    public string? PipelineCacheDirectory { get; set; }

    /// <summary>
    /// Address to listen on: <c>localhost</c>, an address of this machine, or <c>*</c> for all. Any but loopback needs
    /// <see cref="ApiKeyFile"/>.
    /// </summary>
    public string Host { get; set; } = "localhost";

    /// <summary>Port to listen on; 0 takes a free one.</summary>
    public int Port { get; set; } = 8080;

    /// <summary>A file with one API key per line (lines that begin with # are remarks); null asks for no key.</summary>
    public string? ApiKeyFile { get; set; }

    /// <summary>Certificate for HTTPS: a PEM file, or a PKCS #12 file (.pfx, .p12); null serves HTTP.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>The key of a certificate in PEM; null where it is in the same file.</summary>
    public string? CertificateKeyFile { get; set; }

    /// <summary>Password of the certificate's key; null for none.</summary>
    public string? CertificatePassword { get; set; }

    /// <summary>Requests answered at the same time; each has keys and values for one full context.</summary>
    public int Seats { get; set; } = 4;

    /// <summary>Requests that may wait for a seat; one more is refused with status 429.</summary>
    public int QueueLimit { get; set; } = 64;

    /// <summary>Requests a client (an API key, or an address) may make in a minute, and at once after a rest; 0 for any number.</summary>
    public int RequestsPerMinute { get; set; }

    /// <summary>Most seconds a request may take, waiting included.</summary>
    public int RequestSeconds { get; set; } = 300;

    /// <summary>Most seconds that running answers are given when the server stops.</summary>
    public int StopSeconds { get; set; } = 30;

    /// <summary>Most bytes of a request.</summary>
    public int BodyBytes { get; set; } = 1 << 20;

    /// <summary>Most tokens of an answer, and how many it has where a request says nothing.</summary>
    public int AnswerTokens { get; set; } = 1024;

    /// <summary>Most answers (<c>n</c>) of one request.</summary>
    public int Choices { get; set; } = 8;

    /// <summary>Temperature where a request says nothing; null takes the engine's.</summary>
    public float? Temperature { get; set; }

    /// <summary>
    /// A JSON file that says what the kiosk is called and looks like, who answers there and from which texts; null for a plain page.
    /// </summary>
    public string? KioskFile { get; set; }

    /// <summary>
    /// What a cosine of 1 between the vectors of a question and a passage counts in the kiosk's search, where all of the question's words
    /// count 1; 0 makes no vectors.
    /// </summary>
    public double EmbeddingWeight { get; set; } = 0.05;

    /// <summary>A folder, this server's alone, in which the conversations are kept that requests ask to keep; null keeps none.</summary>
    public string? ConversationFolder { get; set; }

    /// <summary>Hours after which a kept conversation that nobody goes on with is erased.</summary>
    public int ConversationHours { get; set; } = 24;

    /// <summary>Where metrics are sent by OTLP, an address such as <c>http://localhost:4317</c>; null sends none.</summary>
    public Uri? OtlpEndpoint { get; set; }

    /// <summary>Writes the log as one JSON object per line.</summary>
    public bool JsonLog { get; set; }

    /// <summary>Writes questions and answers of chats to the log. Off, no text of a person is logged.</summary>
    public bool LogText { get; set; }

    /// <summary>Throws <see cref="ServerException"/> naming the first setting that is out of its range.</summary>
    public void Validate()
    {
        Require(ModelFile.Length > 0, nameof(ModelFile), "the model's file");
        Require(ContextLength is null or > 0, nameof(ContextLength), "at least 1");
        Require(ExpertBudgetBytes is null || ExpertBudgetBytes >= 0 && Device != DeviceKind.Cpu, nameof(ExpertBudgetBytes),
            "at least 0, and left out where the device is the CPU");
        Require(Host is "localhost" or "*" || IPAddress.TryParse(Host, out _), nameof(Host), "localhost, an IP address or *");
        Require(Port is >= 0 and <= 65535, nameof(Port), "between 0 and 65535");
        Require(Seats is >= 1 and <= 1024, nameof(Seats), "between 1 and 1024");
        Require(RequestsPerMinute >= 0, nameof(RequestsPerMinute), "at least 0");
        Require(OtlpEndpoint is null or { IsAbsoluteUri: true, Scheme: "http" or "https" }, nameof(OtlpEndpoint),
            "an http or https address");
        Require(QueueLimit >= 0, nameof(QueueLimit), "at least 0");
        Require(RequestSeconds is >= 1 and <= 86400, nameof(RequestSeconds), "between 1 and 86400");
        Require(StopSeconds is >= 0 and <= 3600, nameof(StopSeconds), "between 0 and 3600");
        Require(BodyBytes >= 1024, nameof(BodyBytes), "at least 1024");
        Require(AnswerTokens >= 1, nameof(AnswerTokens), "at least 1");
        Require(EmbeddingWeight is >= 0 and <= 100, nameof(EmbeddingWeight), "between 0 and 100");
        Require(ConversationHours is >= 1 and <= 87600, nameof(ConversationHours), "between 1 and 87600");
        Require(Choices is >= 1 and <= 128, nameof(Choices), "between 1 and 128");
        Require(Temperature is null or (>= 0 and <= 100), nameof(Temperature), "between 0 and 100");
    }

    /// <summary>True when only programs on this machine can reach the server.</summary>
    internal bool IsLoopback => Host == "localhost" || (IPAddress.TryParse(Host, out IPAddress? address) && IPAddress.IsLoopback(address));

    /// <summary>The model's name in the API.</summary>
    internal string ModelId => ModelName.Length > 0 ? ModelName : Path.GetFileNameWithoutExtension(ModelFile);

    private static void Require(bool holds, string name, string range)
    {
        if (!holds) throw new ServerException($"The setting {name} must be {range}.");
    }
}
