namespace MixtralVk.Conversion;

/// <summary>How a kind of checkpoint names its tensors; {0} stands for the layer, {1} for the expert.</summary>
internal sealed record TensorNames(
    string Embedding, string Output, string OutputNorm, string AttentionNorm, string Query, string Key, string Value,
    string AttentionOutput,
    string FeedForwardNorm, string Router, string Gate, string Up, string Down, string ExpertGate, string ExpertUp, string ExpertDown)
{
    /// <summary>Hugging Face transformers: Llama, Mistral and Mixtral.</summary>
    public static TensorNames HuggingFace { get; } = new(
        "model.embed_tokens.weight", "lm_head.weight", "model.norm.weight",
        "model.layers.{0}.input_layernorm.weight", "model.layers.{0}.self_attn.q_proj.weight", "model.layers.{0}.self_attn.k_proj.weight",
        "model.layers.{0}.self_attn.v_proj.weight", "model.layers.{0}.self_attn.o_proj.weight",
        "model.layers.{0}.post_attention_layernorm.weight",
        "model.layers.{0}.block_sparse_moe.gate.weight",
        "model.layers.{0}.mlp.gate_proj.weight", "model.layers.{0}.mlp.up_proj.weight", "model.layers.{0}.mlp.down_proj.weight",
        "model.layers.{0}.block_sparse_moe.experts.{1}.w1.weight", "model.layers.{0}.block_sparse_moe.experts.{1}.w3.weight",
        "model.layers.{0}.block_sparse_moe.experts.{1}.w2.weight");

    /// <summary>Mistral's own consolidated files.</summary>
    public static TensorNames Consolidated { get; } = new(
        "tok_embeddings.weight", "output.weight", "norm.weight",
        "layers.{0}.attention_norm.weight", "layers.{0}.attention.wq.weight", "layers.{0}.attention.wk.weight",
        "layers.{0}.attention.wv.weight", "layers.{0}.attention.wo.weight", "layers.{0}.ffn_norm.weight",
        "layers.{0}.feed_forward.gate.weight",
        "layers.{0}.feed_forward.w1.weight", "layers.{0}.feed_forward.w3.weight", "layers.{0}.feed_forward.w2.weight",
        "layers.{0}.feed_forward.experts.{1}.w1.weight", "layers.{0}.feed_forward.experts.{1}.w3.weight",
        "layers.{0}.feed_forward.experts.{1}.w2.weight");
}
